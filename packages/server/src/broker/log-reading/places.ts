/** Where the files of a source are, and that nobody writes them whose accesses they tell. */
import { SignpostError, type LogSourceSettings } from '@signpost/contract'
import type { OpenConnector } from '../../domain/connector.ts'
import type { LogFolder } from '../../domain/log-folder.ts'
import { prefixesOverlap } from '../../domain/prefix-overlap.ts'
import { findConnector } from '../../store/connectors.ts'
import { listMovedPrefixes } from '../../store/moves.ts'
import { listTeamsAtLocation } from '../../store/teams.ts'
import type { BrokerDeps } from '../deps.ts'

type SettingsOf<Kind extends LogSourceSettings['kind']> = Extract<LogSourceSettings, { kind: Kind }>

const pingMs = 2000

/** Before a source is stored: what it names must be there. */
export async function requireReadable(deps: BrokerDeps, settings: LogSourceSettings): Promise<void> {
  if (settings.kind === 'bucket') {
    const bucket = await openLogBucket(deps, settings)
    await bucket.ping(pingMs, settings.prefix === '' ? undefined : settings.prefix)
    return
  }
  if (settings.kind === 'local-store' && !deps.logFolders?.localStore)
    throw new SignpostError('conflict', 'settings.kind: no embedded store runs in this server.')
  if (settings.kind !== 'folder' && settings.kind !== 'ceph') return
  const { given } = deps.logFolders ?? {}
  if (!given)
    throw new SignpostError('conflict', 'settings.path: SIGNPOST_LOGS_DIR is not set on this server.', {
      field: 'settings.path',
    })
  // A socket is no file that could be listed; whoever listens first takes what is waiting.
  if (settings.kind === 'ceph' && settings.how === 'socket') return
  await given.list(settings.path)
}

/** The bucket that the log files are in. Asked anew each time: a team may have been given its prefix meanwhile. */
export async function openLogBucket(
  deps: BrokerDeps,
  { reader, prefix }: SettingsOf<'bucket'>,
): Promise<OpenConnector> {
  const { db } = deps.store
  const row = await findConnector(db, reader)
  if (!row)
    throw new SignpostError('conflict', `settings.reader: there is no connector ${reader}.`, {
      field: 'settings.reader',
    })
  const teams = await listTeamsAtLocation(db, row.location)
  const moved = await listMovedPrefixes(db, row.location)
  if ([...teams, ...moved].some((team) => prefixesOverlap(team.prefix, prefix)))
    throw new SignpostError(
      'conflict',
      'settings.prefix: a team of this bucket may write there, and could write what it likes into the logs. Put them below another prefix, or better into another bucket.',
      { field: 'settings.prefix' },
    )
  const { connector } = await deps.connectors.open(row.id, row.version)
  return connector
}

/** Undefined: this process has no such folder; another one may. */
export function folderOf(
  { logFolders }: BrokerDeps,
  settings: SettingsOf<'folder' | 'ceph' | 'local-store'>,
): { folder: LogFolder; path: string } | undefined {
  if (settings.kind === 'local-store')
    return logFolders?.localStore && { folder: logFolders.localStore, path: '.' }
  return logFolders?.given && { folder: logFolders.given, path: settings.path }
}
