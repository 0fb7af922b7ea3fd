/** Where a log comes from, as options of the command say it. */
import { Option, type Command } from 'commander'
import { logFormatNames, type LogFormatName, type LogSourceSettings } from '@signpost/contract'
import { UsageError } from './errors.ts'
import { parsePositive } from './parse.ts'

export interface LogSourceFlags {
  upload?: true
  bucket?: string
  prefix?: string
  layout?: 'folders' | 'flat' | 'gcs-usage'
  lookBack?: number
  folder?: string
  ceph?: string
  socket?: true
  localStore?: true
  http?: true
  pubsubAudience?: string
  pubsubAccount?: string
  connector?: string
  anyConnector?: true
  format?: LogFormatName
}

export function withLogSourceFlags(command: Command): Command {
  return command
    .addOption(
      new Option('--format <format>', 'which access log it is; told by the place for some').choices(
        logFormatNames,
      ),
    )
    .option('--connector <connector>', 'whose accesses it tells of; left out: each line names its bucket')
    .option('--bucket <connector>', 'log files in the bucket of this connector')
    .option('--prefix <prefix>', 'of --bucket: only objects whose key begins so')
    .addOption(
      new Option('--layout <layout>', 'of --bucket: how names tell their dates').choices([
        'folders',
        'flat',
        'gcs-usage',
      ]),
    )
    .option('--look-back <days>', 'of --bucket: days for which late files are looked for', parsePositive)
    .option('--http', 'a store that sends its log: a webhook')
    .option('--pubsub-audience <audience>', "of --http: Google Pub/Sub's push subscription")
    .option('--pubsub-account <email>', 'of --http: the service account that it pushes as')
    .option('--folder <path>', 'log files on the server, below SIGNPOST_LOGS_DIR')
    .option('--ceph <path>', "Ceph's operations log on the server, below SIGNPOST_LOGS_DIR")
    .option('--socket', 'of --ceph: it is a socket')
    .option('--local-store', 'the embedded store')
    .option('--upload', 'files that somebody hands in')
}

/** Undefined: no option says where. */
export function logSourceSettings(flags: LogSourceFlags): LogSourceSettings | undefined {
  const { upload, bucket, folder, ceph, localStore, http } = flags
  const given = [upload, bucket, folder, ceph, localStore, http].filter((flag) => flag !== undefined)
  if (given.length > 1)
    throw new UsageError('give one of --bucket, --http, --folder, --ceph, --local-store and --upload')
  const of = (name: string, isGiven: boolean, ...parts: (keyof LogSourceFlags)[]) => {
    const said = parts.find((part) => flags[part] !== undefined)
    if (!isGiven && said !== undefined)
      throw new UsageError(
        `--${said.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} is of --${name}`,
      )
  }
  of('bucket', bucket !== undefined, 'prefix', 'layout', 'lookBack')
  of('ceph', ceph !== undefined, 'socket')
  of('http', http !== undefined, 'pubsubAudience', 'pubsubAccount')
  if (upload) return { kind: 'upload' }
  if (localStore) return { kind: 'local-store' }
  if (folder !== undefined) return { kind: 'folder', path: folder }
  if (ceph !== undefined) return { kind: 'ceph', path: ceph, how: flags.socket ? 'socket' : 'file' }
  if (http) return { kind: 'http', ...pubsubOf(flags) }
  if (bucket === undefined) return undefined
  return {
    kind: 'bucket',
    reader: bucket,
    prefix: flags.prefix ?? '',
    layout: flags.layout ?? 'folders',
    lookBackDays: flags.lookBack ?? 3,
  }
}

function pubsubOf({ pubsubAudience: audience, pubsubAccount: serviceAccount }: LogSourceFlags) {
  if ((audience === undefined) !== (serviceAccount === undefined))
    throw new UsageError('give --pubsub-audience and --pubsub-account, both or neither')
  return audience === undefined || serviceAccount === undefined
    ? {}
    : { pubsub: { audience, serviceAccount } }
}

/** Where the place leaves no choice. */
export function formatOf({ format }: LogSourceFlags, settings: LogSourceSettings): LogFormatName {
  const told =
    settings.kind === 'ceph'
      ? 'ceph-ops'
      : settings.kind === 'local-store'
        ? 'local-store'
        : settings.kind === 'http' && settings.pubsub
          ? 'gcs-audit'
          : undefined
  const found = format ?? told
  if (found === undefined) throw new UsageError(`give --format: ${logFormatNames.join(', ')}`)
  return found
}
