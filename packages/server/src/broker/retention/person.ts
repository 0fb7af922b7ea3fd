/** Whom a username means, or meant, and all names by which the trail knows them. */
import type { Person } from '../../domain/erase-event.ts'
import { readTraces } from '../../store/person-rows.ts'
import { findPrincipal, type NamedPrincipalRow } from '../../store/principals.ts'
import type { BrokerDeps } from '../deps.ts'

export async function readPerson(
  { store: { db } }: Pick<BrokerDeps, 'store'>,
  username: string,
): Promise<{ person: Person; principal: NamedPrincipalRow | undefined }> {
  const principal = await findPrincipal(db, username)
  const { ids, markers } = await readTraces(db, username)
  const all = new Set([...ids, ...(principal ? [principal.id] : [])])
  const own = principal ? [principal.pseudonym, principal.scid] : []
  const names = new Set([username, ...all, ...markers, ...own])
  return { person: { username, ids: all, names }, principal }
}
