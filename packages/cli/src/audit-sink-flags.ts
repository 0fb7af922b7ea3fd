/** Options that say where audit events go, as the body of a call. */
import { InvalidArgumentError, Option, type Command } from 'commander'
import type { AuditSinkFilter, AuditSinkSecrets, AuditSinkSettings, CallInput } from '@signpost/contract'
import { UsageError } from './errors.ts'
import type { Io } from './io.ts'
import { collect, parseDuration, parsePositive } from './parse.ts'
import { readSecretFile } from './server-settings.ts'

export interface AuditSinkFlags {
  bucket?: string
  webhook?: string
  otlp?: string
  syslog?: { host: string; port: number }
  prefix?: string
  format?: 'ndjson' | 'parquet'
  every?: number
  shape?: 'plain' | 'cloudevents' | 'ocsf'
  max?: number
  caFile?: string
  serverName?: string
  certificateFile?: string
  keyFile?: string
  allowInternal?: true
  secretFile?: string
  headersFile?: string
  type?: string[]
  decision?: 'allow' | 'deny'
}

type Settings = CallInput<'createAuditSink'>['body']['settings']

export function withAuditSinkFlags(command: Command): Command {
  return command
    .option('--bucket <connector>', 'files in the bucket of this connector')
    .option('--webhook <url>', 'HTTP POST, signed as Standard Webhooks says')
    .option(
      '--otlp <url>',
      'OpenTelemetry logs, OTLP/HTTP: the whole address, such as https://otel.example.com/v1/logs',
    )
    .option('--syslog <host:port>', 'syslog (RFC 5424) over TLS', parsePlace)
    .addOption(
      new Option('--shape <shape>', 'how an event is written; plain: as an export has it').choices([
        'plain',
        'cloudevents',
        'ocsf',
      ]),
    )
    .option('--max <count>', 'events in one message or file, at most', parsePositive)
    .option('--type <type>', 'only events of this type, such as url.issue (repeatable)', collect)
    .addOption(
      new Option('--decision <decision>', 'only what was allowed, or refused').choices(['allow', 'deny']),
    )
    .option('--prefix <prefix>', 'with --bucket: where its files are; no team may write there')
    .addOption(new Option('--format <format>', 'with --bucket').choices(['ndjson', 'parquet']))
    .option('--every <time>', 'with --bucket: so long an event waits for others, such as 5m', parseDuration)
    .option('--secret-file <file>', 'with --webhook: its signing secret (whsec_...), - for standard input')
    .option(
      '--headers-file <file>',
      'with --webhook or --otlp: lines `name: value` to send, - for standard input',
    )
    .option('--ca-file <file>', 'with --syslog: who signed its certificate, PEM')
    .option('--server-name <name>', 'with --syslog: the name in its certificate, where that is another')
    .option('--certificate-file <file>', "with --syslog: Signpost's own certificate, PEM")
    .option('--key-file <file>', 'with --syslog: its key, PEM')
    .option('--allow-internal', 'it may be at an internal address; --webhook and --otlp without TLS too')
}

/** Which options are of which kind; the others are of all. */
const optionsOf = {
  bucket: ['prefix', 'format', 'every'],
  webhook: ['secretFile'],
  otlp: [],
  syslog: ['caFile', 'serverName', 'certificateFile', 'keyFile'],
} as const satisfies Record<string, readonly (keyof AuditSinkFlags)[]>
type Kind = keyof typeof optionsOf
const kinds = Object.keys(optionsOf) as Kind[]
const kindOf = { files: 'bucket', webhook: 'webhook', otlp: 'otlp', syslog: 'syslog' } as const

/** Undefined: none of the options is about them. `before`: what is changed, for a sink that is there. */
export async function auditSinkSettings(
  io: Io,
  flags: AuditSinkFlags,
  before?: AuditSinkSettings,
): Promise<Settings | undefined> {
  const given = kinds.filter((kind) => flags[kind] !== undefined)
  const kind = given[0] ?? (before && kindOf[before.kind])
  if (kind === undefined || given.length > 1)
    throw new UsageError('give one of --bucket, --webhook, --otlp and --syslog')
  requireFitting(kind, flags)
  const common = {
    ...(flags.shape === undefined ? {} : { shape: flags.shape }),
    ...(flags.allowInternal ? { allowInternal: true } : {}),
  }
  const pushed = { ...common, ...(flags.max === undefined ? {} : { eventsMax: flags.max }) }
  const { prefix, format, every } = flags
  const own = {
    bucket: async () => ({
      ...pushed,
      kind: 'files',
      ...definedOf({ connector: flags.bucket, prefix, format, everySeconds: every }),
    }),
    webhook: async () => ({ ...pushed, kind: 'webhook', ...definedOf({ url: flags.webhook }) }),
    otlp: async () => ({ ...pushed, kind: 'otlp', ...definedOf({ url: flags.otlp }) }),
    syslog: async () => ({ ...common, kind: 'syslog', ...flags.syslog, ...(await certificates(io, flags)) }),
  } satisfies Record<Kind, () => Promise<object>>
  const said = await own[kind]()
  if (before && Object.keys(said).length === 1) return undefined
  return { ...before, ...said } as Settings
}

export async function auditSinkSecrets(io: Io, flags: AuditSinkFlags): Promise<AuditSinkSecrets> {
  const { secretFile, headersFile, keyFile } = flags
  if ([secretFile, headersFile, keyFile].filter((file) => file === '-').length > 1)
    throw new UsageError('only one file can be standard input')
  const read = (file: string, what: string) => readSecretFile(io, file, what)
  return definedOf({
    signing: secretFile === undefined ? undefined : (await read(secretFile, '--secret-file')).trim(),
    headers: headersFile === undefined ? undefined : headersOf(await read(headersFile, '--headers-file')),
    clientKey: keyFile === undefined ? undefined : `${await read(keyFile, '--key-file')}\n`,
  })
}

/** Undefined: none of the options is about it. */
export function auditSinkFilter({ type, decision }: AuditSinkFlags): AuditSinkFilter | undefined {
  if (type === undefined && decision === undefined) return undefined
  return definedOf({ types: type, decision }) as AuditSinkFilter
}

function requireFitting(kind: Kind, flags: AuditSinkFlags): void {
  const refuse = (name: string, of: string) => {
    throw new UsageError(`--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)} is of ${of}`)
  }
  for (const other of kinds)
    for (const name of optionsOf[other])
      if (other !== kind && (flags as Record<string, unknown>)[name] !== undefined) refuse(name, `--${other}`)
  if (flags.headersFile !== undefined && kind !== 'webhook' && kind !== 'otlp')
    refuse('headersFile', '--webhook and --otlp')
  if (flags.max !== undefined && kind === 'syslog') refuse('max', 'the others')
  if (flags.allowInternal && kind === 'bucket')
    refuse('allowInternal', 'the others: a bucket has its connector')
  if ((flags.certificateFile === undefined) !== (flags.keyFile === undefined))
    throw new UsageError('give both or neither of --certificate-file and --key-file')
}

async function certificates(
  io: Io,
  { caFile, serverName, certificateFile }: AuditSinkFlags,
): Promise<object> {
  const read = async (file: string | undefined, what: string) =>
    file === undefined ? undefined : `${await readSecretFile(io, file, what)}\n`
  return definedOf({
    ca: await read(caFile, '--ca-file'),
    certificate: await read(certificateFile, '--certificate-file'),
    serverName,
  })
}

/** Never repeats a line: it is a secret. */
function headersOf(text: string): Record<string, string> {
  const lines = text.split('\n').filter((line) => line.trim() !== '')
  return Object.fromEntries(
    lines.map((line, index) => {
      const [, name = '', value = ''] = /^([\w-]+):[ \t]*(.+?)\s*$/.exec(line) ?? []
      if (name === '') throw new UsageError(`--headers-file: line ${index + 1} is not \`name: value\``)
      return [name.toLowerCase(), value]
    }),
  )
}

/** `log.example.com`, `log.example.com:6514`, `[2001:db8::1]:6514`. For commander. */
function parsePlace(text: string): { host: string; port: number } {
  const [, six, plain, port = '6514'] = /^(?:\[([\da-f:.]+)\]|([\w.-]+))(?::(\d{1,5}))?$/i.exec(text) ?? []
  const host = six ?? plain
  if (host === undefined)
    throw new InvalidArgumentError('Write a host and a port, such as log.example.com:6514.')
  return { host, port: Number(port) }
}

function definedOf<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never
}
