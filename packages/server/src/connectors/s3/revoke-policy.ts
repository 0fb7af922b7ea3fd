/** Sets and takes away one statement of the bucket's policy; those of others stay as they are. */
import { SignpostError } from '@signpost/contract'
import type { BucketConfiguration } from '../../domain/connector.ts'
import type { PolicyStep, RevocationAsk } from '../../domain/revocation.ts'
import { checkSize } from '../policies/check-statements.ts'
import { mergePolicy, readDocument, sidOf } from '../policies/merge-policy.ts'
import { revocationSidOf } from '../policies/s3-revocation.ts'
import type { Statement } from '../policies/statement.ts'

type Policy = Required<Pick<BucketConfiguration, 'readPolicy' | 'writePolicy'>>

/** Somebody else may set the policy between our reading and our writing. */
const tries = 3

export async function setStatement(policy: Policy, statement: Statement & { Sid: string }): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    const { next, difference } = mergePolicy(
      await policy.readPolicy(),
      [statement],
      (sid) => sid === statement.Sid,
    )
    checkSize(next)
    if (difference.length > 0) await policy.writePolicy(next)
    if (holds(await policy.readPolicy(), statement.Sid)) return
    if (attempt === tries) throw notThere()
  }
}

export async function unsetStatement(policy: Policy, step: PolicyStep, ask: RevocationAsk): Promise<boolean> {
  const sid = revocationSidOf(step, ask)
  const current = await policy.readPolicy()
  if (!holds(current, sid)) return false
  const { next } = mergePolicy(current, [], (other) => other === sid)
  await policy.writePolicy(next)
  if (holds(await policy.readPolicy(), sid)) throw notThere()
  return true
}

function holds(policy: string | null, sid: string): boolean {
  return policy !== null && readDocument(policy).Statement.some((one) => sidOf(one) === sid)
}

function notThere(): SignpostError {
  return new SignpostError(
    'conflict',
    "The bucket's policy is not as it was set: somebody else changes it. Try again.",
  )
}
