/**
 * How far the credential reaches: a URL opens one door, but what signs it may hold the keys of others.
 *
 * On the organisation's shared connector this is a warning: Signpost's own decision and the store's check of signatures
 * keep teams apart, and a credential for all of them is how such a connector is meant. On a team's own connector with a
 * prefix it fails: whoever set the prefix says that the rest of the bucket is not the team's, and the credential says otherwise.
 * On a team's own connector without a prefix the whole bucket is the team's: there is no outside.
 */

import { checkerName, keyOutside } from '../../domain/own-check.ts'
import type { DoctorCheck } from './check.ts'
import { fail, pass, unseen, warn, type Finding } from './finding.ts'
import type { Patient, Wish } from './patient.ts'
import { named } from './store-answer.ts'

const NARROW =
  'use sessions for each requester (assumeRole, federationToken), or one credential a team that reaches its prefix only'
/** Listing is done by Signpost's own credential alone: sessions would not narrow it. */
const NARROW_LIST = 'limit the right to list to the prefix (on S3 `s3:prefix`), or leave it: no URL lists'
const NOTHING_OUTSIDE = "The whole bucket is this team's: there is no outside."

export const scopeChecks: readonly DoctorCheck[] = [
  {
    name: 'scope.write',
    means: "What signs a team's URLs could write outside the team's prefix.",
    mends: 'Use sessions for each requester, or one credential a team that reaches its prefix only.',
    needs: ['access.put', 'access.delete'],
    run: async (patient) => {
      if (!hasOutside(patient)) return pass(NOTHING_OUTSIDE)
      const { answer, isSuccess } = await writeOutside(patient)
      if (!isSuccess) return pass(`Writing outside the prefix was refused (${named(answer)}).`)
      return tooWide(patient, 'The credential writes outside the prefix.')
    },
  },
  {
    name: 'scope.read',
    means: "What signs a team's URLs could read outside the team's prefix.",
    mends: 'Use sessions for each requester, or one credential a team that reaches its prefix only.',
    needs: ['access.put', 'access.delete'],
    run: async (patient) => {
      if (!hasOutside(patient)) return pass(NOTHING_OUTSIDE)
      const isThere = await placedOutside(patient)
      const wish: Wish = { method: 'GET', key: outside(patient), scopePrefix: inside(patient) }
      const { answer } = await patient.ask(wish)
      if (answer.status === 403) return pass(`Reading outside the prefix was refused (${named(answer)}).`)
      // Ceph says that an object is not there before it says that it is forbidden.
      if (answer.status === 404 && !isThere)
        return unseen(
          'Nothing could be put outside the prefix to be read, and what is not there tells nothing.',
        )
      return tooWide(patient, `The credential reads outside the prefix (${named(answer)}).`)
    },
  },
  {
    name: 'scope.list',
    means: "Signpost's own credential lists outside the prefix: it learns the names of others' objects.",
    mends: 'Limit the right to list to the prefix (`s3:prefix`).',
    needs: ['access.list'],
    run: async (patient) => {
      if (patient.prefix === '') return pass('The prefix is the whole bucket: there is no outside to list.')
      try {
        await patient.open.list({ prefix: `${checkerName}-outside`, limit: 1 })
      } catch {
        return pass('Listing outside the prefix was refused.')
      }
      return tooWide(patient, 'The credential lists outside the prefix.', NARROW_LIST)
    },
  },
  {
    name: 'scope.copy',
    means:
      'The holder of a URL that may write can add a copy header that nobody signed, and so read what the credential reads.',
    mends: 'Use a store that refuses unsigned headers, or credentials that reach one team only.',
    kinds: ['s3', 'gcs'],
    needs: ['access.put', 'access.delete'],
    run: copied,
  },
]

/** Is there anything in the bucket that is not of whom the URL is for? */
function hasOutside({ isShared, prefix }: Patient): boolean {
  return isShared || prefix !== ''
}

/** Where the requester's objects are. Teams of a shared connector are each below their own prefix: here a made-up one. */
function inside({ isShared, prefix, folder }: Patient): string {
  return isShared ? `${folder}team/` : prefix
}

function outside(patient: Patient): string {
  const { isShared, folder, checkId } = patient
  return isShared ? `${folder}other-team/object.txt` : keyOutside(checkId)
}

const SECRET_TEXT = 'of another team'

function writeOutside(patient: Patient) {
  return patient.once('outside', () => {
    const wish: Wish = { method: 'PUT', key: outside(patient), scopePrefix: inside(patient) }
    return patient.ask(wish, { body: SECRET_TEXT })
  })
}

/** Is there something of ours outside? What signs may not be able to put it there; Signpost's own credential may. */
function placedOutside(patient: Patient): Promise<boolean> {
  return patient.once('placed outside', async () => {
    const { isSuccess } = await writeOutside(patient)
    if (isSuccess) return true
    patient.written.add(outside(patient))
    const put = patient.open.put(outside(patient), Buffer.from(SECRET_TEXT))
    return put.then(
      () => true,
      () => false,
    )
  })
}

function tooWide({ isShared }: Patient, seen: string, fix = NARROW): Finding {
  return isShared ? warn(seen, fix) : fail(seen, fix)
}

async function copied(patient: Patient): Promise<Finding> {
  const { kind, settings, folder } = patient
  const isOutsideThere = hasOutside(patient) && (await placedOutside(patient))
  let source = outside(patient)
  if (!isOutsideThere) {
    // Nothing of ours is outside: what is inside shows whether the store copies at all.
    source = `${inside(patient)}${folder.slice(inside(patient).length)}source.txt`
    const put = await patient.ask(
      { method: 'PUT', key: source, scopePrefix: inside(patient) },
      { body: SECRET_TEXT },
    )
    if (!put.isSuccess) return unseen('There was nothing to copy.')
  }
  const key = `${inside(patient).startsWith(folder) ? inside(patient) : folder}copied.txt`
  const wish: Wish = { method: 'PUT', key, scopePrefix: inside(patient) }
  const headers = kind.copyHeader(settings, source) ?? {}
  const { answer, isSuccess } = await patient.ask(wish, { headers, body: '' })
  if (!isSuccess) return pass(`A copy header that was not signed is refused (${named(answer)}).`)
  const { answer: there } = await patient.ask({ method: 'GET', key, scopePrefix: inside(patient) })
  if (there.text !== SECRET_TEXT) return pass('A copy header that was not signed does nothing.')
  if (!isOutsideThere)
    return pass(
      'The store takes a copy header that nobody signed, but the credential reaches nothing of others.',
    )
  return tooWide(
    patient,
    'A URL that may write read an object outside the prefix, by a copy header that nobody signed.',
  )
}
