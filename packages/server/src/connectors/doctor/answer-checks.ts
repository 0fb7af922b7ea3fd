/** Does the store take address, credential and signature? All of it is read off one answer (`diagnosis.ts`). */

import type { DoctorCheck } from './check.ts'
import { diagnose } from './diagnosis.ts'
import { blocked, fail, halvesOf, pass, unseen, warn, type Finding } from './finding.ts'
import type { Patient } from './patient.ts'

const SLOW_MS = 2_000
const SKEW_WARN_MS = 60_000
const SKEW_FAIL_MS = 15 * 60_000

/** In this order: what stands in the way of a later one is named by an earlier one. */
const steps: readonly { name: string; means: string; mends: string; passes: string }[] = [
  {
    name: 'store.answers',
    means: 'The store takes connections and then says nothing, or breaks them off.',
    mends:
      'See the state of the store, and what stands between: proxies, firewalls, an endpoint of another protocol.',
    passes: 'The store answers.',
  },
  {
    name: 'store.healthy',
    means: 'The store answers that it cannot serve now (HTTP 5xx or 429).',
    mends: 'See the state of the store; try again.',
    passes: 'The store serves.',
  },
  {
    name: 'store.redirects',
    means: 'What answers sends clients to another address. A signed URL is good for one host only.',
    mends: 'Connect the address that it leads to.',
    passes: 'It sends nobody elsewhere.',
  },
  {
    name: 'store.kind',
    means: 'What answers is not a store of this kind: a web page, a console, another protocol.',
    mends: 'Correct the endpoint: host and port of the storage API.',
    passes: 'It answers as a store of this kind does.',
  },
  {
    name: 'region.right',
    means: 'The bucket is in another region than the connector says.',
    mends: 'Set the region that the finding names.',
    passes: 'The store takes the region.',
  },
  {
    name: 'addressing.right',
    means:
      'The store takes the bucket in the path where the connector puts it into the host, or the other way round.',
    mends: 'Set the addressing that the finding names.',
    passes: 'The store finds the bucket where the URL has it.',
  },
  {
    name: 'credential.available',
    means: 'The source of the credential gives none: the token service refuses, a secret is missing.',
    mends: 'Mend what the finding names: trust policy, role, file or variable.',
    passes: 'There is a credential.',
  },
  {
    name: 'credential.known',
    means: 'The store knows no such key id (or application, or tenant).',
    mends: 'Give the key id of a key that exists; it may have been deleted.',
    passes: 'The store knows the key id.',
  },
  {
    name: 'credential.enabled',
    means: 'Key, user or account is suspended, or the account takes no keys.',
    mends: 'Enable it at the provider, or give another credential.',
    passes: 'It is enabled.',
  },
  {
    name: 'credential.session',
    means: 'The session token (or the application secret) has expired, or is not valid.',
    mends: 'Give a fresh one; better a source that renews itself, such as a role.',
    passes: 'Nothing of it has expired.',
  },
  {
    name: 'signature.host_kept',
    means: 'Something between client and store changes the Host header, which every URL signs.',
    mends: 'Let the proxy pass the Host header on as it came, or connect the address that clients use.',
    passes: 'The host arrives as it was signed.',
  },
  {
    name: 'credential.secret',
    means: 'The secret does not belong to the key id.',
    mends: 'Give the credential anew: secrets are often cut off or taken from another key.',
    passes: 'The secret belongs to the key id.',
  },
  {
    name: 'bucket.exists',
    means: 'There is no such bucket (container) at this address.',
    mends: 'Make it, or correct its name, its account or the endpoint.',
    passes: 'The bucket is there.',
  },
]

/** What everything that needs a working URL waits for. */
export const urlWorks = 'bucket.exists'

export const answerChecks: readonly DoctorCheck[] = [
  ...steps.map(({ name, means, mends, passes }, index): DoctorCheck => {
    const before = index === 0 ? ['net.connect', 'tls.lasts', 'tls.trusted'] : [steps[index - 1]!.name]
    return {
      name,
      means,
      mends,
      needs: before,
      run: (patient) => fromDiagnosis(patient, name, passes, lowered(mends)),
    }
  }),
  {
    name: 'store.speed',
    means: 'A small question takes more than two seconds.',
    mends: 'See the load of the store and the way to it: region, proxies, packet loss.',
    needs: ['store.answers'],
    run: speed,
  },
  {
    name: 'clock.skew',
    means:
      'The clocks of this server and the store differ: by more than a minute (warned), by more than 15 (fails).',
    mends: 'Set both by NTP. The store believes its own clock when it decides whether a URL has expired.',
    needs: ['store.answers'],
    run: skew,
  },
  {
    name: 'credential.lasts',
    means: 'The credential ends soon, or nothing tells when: URLs die with it, before their own time.',
    mends: 'Use a source that renews itself (a role, an application), or keys that stay.',
    needs: ['credential.secret'],
    run: lasts,
  },
  {
    name: 'credential.renewed',
    means:
      'What the connector refers to (a file, a variable) cannot be read, or the bucket refuses it. The credential before it is in use, until the server starts anew.',
    mends: 'Put the right secret where the connector looks for it; it is taken within a minute.',
    run: ({ heldBack }) =>
      heldBack === undefined
        ? pass('Nothing that it refers to waits to be taken.')
        : fail(
            `What it refers to is not taken, and the credential before it stays in use. ${halvesOf(heldBack).seen}`,
            'put the right secret where the connector looks for it',
          ),
  },
]

function lowered(sentence: string): string {
  return `${sentence[0]!.toLowerCase()}${sentence.slice(1).replace(/\.$/, '')}`
}

async function fromDiagnosis(patient: Patient, name: string, passes: string, fix: string): Promise<Finding> {
  const { cause, answer } = await diagnose(patient)
  if (cause?.check === name) return fail(cause.seen, cause.fix ?? fix)
  const isBefore = name.startsWith('store.') || name === 'credential.available'
  if (cause === undefined || (isBefore && answer !== undefined)) return pass(passes)
  const isStep = steps.some((step) => step.name === cause.check)
  // A store that stopped at one thing has said nothing of the others, whichever it looks at first.
  return isStep
    ? unseen(`The store stopped at ${cause.check} and said nothing of this.`)
    : blocked(cause.check)
}

async function speed(patient: Patient): Promise<Finding> {
  const { answer } = await diagnose(patient)
  if (answer === undefined) return unseen('There was no answer to time.')
  const took = `${(answer.tookMs / 1000).toFixed(answer.tookMs < 1000 ? 2 : 1)} s`
  if (answer.tookMs <= SLOW_MS) return pass(`The first answer took ${took}.`)
  return warn(`A small question took ${took}.`, 'see the load of the store and the way to it')
}

async function skew(patient: Patient): Promise<Finding> {
  const { answer, cause } = await diagnose(patient)
  const theirs = Date.parse(answer?.headers.get('date') ?? '')
  const fix = "set this server's clock and the store's by NTP"
  if (Number.isNaN(theirs) || answer === undefined) {
    if (cause?.check === 'clock.skew') return fail(cause.seen, fix)
    return unseen('The store does not tell its time.')
  }
  // The header has whole seconds.
  const ms = Math.abs(theirs + 500 - answer.askedAt)
  const apart =
    ms < 2000
      ? 'less than 2 s'
      : ms < 120_000
        ? `${Math.round(ms / 1000)} s`
        : `${Math.round(ms / 60_000)} min`
  const ahead = theirs > answer.askedAt ? 'the store is ahead' : 'the store is behind'
  if (ms > SKEW_FAIL_MS || cause?.check === 'clock.skew')
    return fail(`The clocks are ${apart} apart: ${ahead}.`, fix)
  if (ms > SKEW_WARN_MS) return warn(`The clocks are ${apart} apart: ${ahead}.`, fix)
  return pass(`The clocks are ${apart} apart.`)
}

async function lasts(patient: Patient): Promise<Finding> {
  const { open, settings, deps, prefix, policy } = patient
  const now = deps.clock()
  const signer = await open.signer({
    requester: { id: 'signpost-check', username: 'signpost-check', pseudonym: 'signpost-check' },
    team: 'signpost-check',
    prefix,
    action: 'write',
    networks: policy.networks,
    until: now + 86_400_000,
  })
  const { at, limitedBy } = signer.latestExpiry(now)
  const { credential } = settings
  if (limitedBy === 'provider') {
    if ('sessionToken' in credential && credential.sessionToken !== undefined)
      return warn(
        'It is a session token, and nothing tells when it ends: URLs die with it.',
        'use a role (assumeRole) that Signpost renews, or a key that stays',
      )
    return pass('It does not limit the life of URLs.')
  }
  const minutes = Math.floor((at - now) / 60_000)
  if (minutes <= 0)
    return fail('The session has ended, and no new one came.', 'mend the source of the credential')
  const seen = `A URL lives ${minutes} min at most: then the session ends.`
  return minutes < 15
    ? warn(seen, 'let sessions last longer (durationSeconds, the MaxSessionDuration of the role)')
    : pass(seen)
}
