/** Files of the audit trail in a bucket: written once, by names that say what is in them, where no team can reach. */
import { SignpostError } from '@signpost/contract'
import type { OpenConnector } from '../../domain/connector.ts'
import { prefixesOverlap } from '../../domain/prefix-overlap.ts'
import {
  encodeFile,
  fileName,
  isSameFile,
  type Delivery,
  type SettingsOf,
  type SinkBatch,
} from '../../sinks/index.ts'
import { findConnector } from '../../store/connectors.ts'
import { listMovedPrefixes } from '../../store/moves.ts'
import { listTeamsAtLocation } from '../../store/teams.ts'
import type { BrokerDeps } from '../deps.ts'

type FileSettings = SettingsOf<'files'>

/** Asked anew each time: a team may have been given the prefix meanwhile. */
export async function openSinkBucket(
  deps: BrokerDeps,
  { connector: name, prefix }: FileSettings,
): Promise<OpenConnector> {
  const { db } = deps.store
  const row = await findConnector(db, name)
  // A team's own bucket is managed by the team: it could be moved to where they like.
  if (!row || row.team_id !== null)
    throw new SignpostError('conflict', `settings.connector: the organisation has no connector ${name}.`, {
      field: 'settings.connector',
    })
  const teams = await listTeamsAtLocation(db, row.location)
  const moved = await listMovedPrefixes(db, row.location)
  if ([...teams, ...moved].some((team) => prefixesOverlap(team.prefix, prefix)))
    throw new SignpostError(
      'conflict',
      'settings.prefix: a team of this bucket may read and write there. Choose another prefix, or better another bucket.',
      { field: 'settings.prefix' },
    )
  return (await deps.connectors.open(row.id, row.version)).connector
}

/** The same batch gives the same object: whoever goes on after a crash writes it again, or finds it there. */
export async function writeFile(
  deps: BrokerDeps,
  settings: FileSettings,
  batch: SinkBatch,
  firstAt: number,
): Promise<Delivery> {
  const key = fileName(settings, { id: batch.id, firstAt })
  try {
    const bucket = await openSinkBucket(deps, settings)
    const body = await encodeFile(settings, batch.events)
    try {
      await bucket.put(key, body, { createOnly: true })
    } catch (error) {
      if (!(error instanceof SignpostError) || error.code !== 'conflict') throw error
      if (!(await isThere(bucket, key, settings, body)))
        return {
          ok: false,
          problem: `${key} is in the bucket already, with something else in it: move it away.`,
        }
    }
    return { ok: true, rejected: 0, note: null }
  } catch (error) {
    if (!(error instanceof SignpostError) || error.code === 'internal') throw error
    return { ok: false, problem: error.message }
  }
}

async function isThere(
  bucket: OpenConnector,
  key: string,
  settings: FileSettings,
  body: Uint8Array,
): Promise<boolean> {
  const found = await bucket.head(key)
  // Packed by another version it may be a little larger; what is much larger is not read.
  if (found === null || found.sizeBytes > body.byteLength * 2 + 1024) return false
  if (!bucket.read) return found.sizeBytes === body.byteLength
  const chunks: Uint8Array[] = []
  for await (const chunk of await bucket.read(key)) chunks.push(chunk)
  return isSameFile(settings, Buffer.concat(chunks), body)
}

/** For a test: may it be written, and is it told from what is there? */
export async function testBucket(deps: BrokerDeps, settings: FileSettings): Promise<Delivery> {
  const key = `${settings.prefix}signpost-test-${deps.newId()}`
  try {
    const bucket = await openSinkBucket(deps, settings)
    await bucket.put(key, new TextEncoder().encode('A test of an audit sink of Signpost.\n'))
    const found = await bucket.head(key)
    if (found === null) return { ok: false, problem: 'What was written is not in the bucket.' }
    // A bucket that keeps what it has (object lock) may well refuse this.
    const isGone = await bucket.remove(key).then(
      () => true,
      () => false,
    )
    const note = isGone ? null : `The file was written, and may not be deleted: ${key} stays.`
    return { ok: true, rejected: 0, note }
  } catch (error) {
    if (!(error instanceof SignpostError) || error.code === 'internal') throw error
    return { ok: false, problem: error.message }
  }
}
