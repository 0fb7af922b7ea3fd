/** What Signpost itself can do: no more URLs, no more keys, the object elsewhere or gone. */
import type { RevocationStep, RevocationStepName } from '@signpost/contract'
import type { Situation } from './situation.ts'
import { touchesOf } from './touches.ts'

const nobody = { grants: 0, usernames: [] }

/** In the order of the ladder. */
export function ownSteps(situation: Situation): RevocationStep[] {
  const { key } = situation
  return [
    stopIssuing(situation),
    ...(situation.username === undefined ? [] : [deleteKeys(situation)]),
    ...(key === undefined
      ? []
      : [objectStep(situation, 'move-object'), objectStep(situation, 'delete-object')]),
  ]
}

function stopIssuing({ username, principal, team, target, ownKey, onlyTeam }: Situation): RevocationStep {
  const isDeleted = username !== undefined && principal === undefined
  const whom = username === undefined ? 'nobody gets' : `${username} gets no`
  const what = username === undefined ? 'a URL' : 'URL'
  const isOfTeam = target.team !== undefined || target.grantId !== undefined
  const where = !isOfTeam || team === undefined ? '' : ` in team ${team.name}`
  const which = ownKey === undefined ? '' : ` for keys that begin with ${ownKey}`
  // They may plan, and not revoke; a restriction in their team they make themselves.
  const hint = onlyTeam === undefined ? '' : ' You make it by `signpost restrict`.'
  return {
    step: 'stop-issuing',
    connector: null,
    can: isDeleted ? 'no' : 'now',
    stops: 'new',
    effectSeconds: isDeleted ? null : 0,
    detail: isDeleted
      ? `${username} is deleted, and gets no URL.`
      : `A restriction: ${whom} ${what} any more${where}${which}, from the next request on, in every replica, until it is ended (\`signpost restriction end\`). URLs that are out live on.${hint}`,
    touches: nobody,
    document: null,
  }
}

function deleteKeys({ username, principal, onlyTeam }: Situation): RevocationStep {
  const isOthers = onlyTeam !== undefined && principal?.team !== onlyTeam
  const can = principal && !isOthers ? 'now' : 'no'
  return {
    step: 'delete-keys',
    connector: null,
    can,
    stops: 'new',
    effectSeconds: can === 'now' ? 0 : null,
    detail: isOthers
      ? 'The keys of users are for those who may revoke in the organisation.'
      : principal
        ? `Deletes the API keys, sessions, access tokens and share links of ${username}, in all teams: for good. Where a login or an identity token gives new ones, that works on until the user is stopped (\`signpost user update --no-active\`).`
        : `${username} is deleted, and its keys with it.`,
    touches: nobody,
    document: null,
  }
}

const objectSentences: Partial<Record<RevocationStepName, string>> = {
  'move-object':
    "Copies the object to a quarantine key below the team's prefix, and deletes it: URLs to read it find nothing. A URL to write it can still put another in its place. On a bucket with versions the old one stays, and a URL finds it only where it names the version.",
  'delete-object':
    'Deletes the object: URLs to read it find nothing. A URL to write it can still put another in its place. On a bucket with versions the old one stays below a delete marker.',
}

function objectStep(situation: Situation, step: 'move-object' | 'delete-object'): RevocationStep {
  const { ownKey, team, places } = situation
  const can = ownKey === undefined || team === undefined ? 'no' : 'now'
  return {
    step,
    connector: null,
    can,
    stops: 'live',
    // S3 ("Amazon S3 data consistency model"), Google and Azure: strongly consistent, deletes too.
    effectSeconds: can === 'now' ? 0 : null,
    detail:
      can === 'no'
        ? 'The object is not where the team is by now: delete it at the bucket.'
        : `${objectSentences[step]} Only by who may delete there as a member of the team.`,
    touches: can === 'no' ? nobody : touchesOf(situation, 'object', places[0]),
    document: null,
  }
}
