/** Looked at before anything is set: a rule that hits whom it should not is worse than none. */
import { SignpostError } from '@signpost/contract'
import { membershipOf } from '../../domain/network.ts'
import type { StoreFacts } from './input.ts'
import { policyBytesMax } from './merge-policy.ts'
import { networkSid } from './s3-network.ts'
import type { Statement } from './statement.ts'

/** @throws SignpostError `conflict` naming what is wrong; nothing has been set then */
export function checkStatements(
  statements: readonly Statement[],
  bucketArn: string,
  store: StoreFacts,
): void {
  const sids = new Set(statements.map(({ Sid }) => Sid))
  for (const statement of statements) {
    const problem = problemOf(statement, bucketArn, store)
    if (problem !== null) throw refusal(`statement ${statement.Sid ?? '(without a name)'} ${problem}`)
  }
  if (sids.size !== statements.length) throw refusal('two statements have the same name')
}

/** @throws SignpostError `conflict` when it is larger than stores take */
export function checkSize(document: string | null): void {
  const bytes = Buffer.byteLength(document ?? '')
  if (bytes <= policyBytesMax) return
  throw refusal(
    `the policy would have ${bytes} bytes, and stores take ${policyBytesMax}: give teams of the same networks a connector with one list, or remove statements of others`,
  )
}

function problemOf(
  { Sid, Effect, Action, Resource, Condition = {} }: Statement,
  bucketArn: string,
  store: StoreFacts,
): string | null {
  if (!Sid?.startsWith(networkSid)) return `is not named ${networkSid}...`
  if (Effect !== 'Deny') return 'allows something'
  // Whoever may set the policy must be able to take it back.
  if ([Action].flat().some((action) => !/^s3:\w*(?:Object|MultipartUpload)\w*$/.test(action)))
    return 'is for more than objects'
  if ([Resource ?? []].flat().some((resource) => !resource.startsWith(`${bucketArn}/`)))
    return 'is for more than this bucket'
  const tests = Object.values(Condition).flatMap((test) => Object.keys(test))
  if (!tests.includes('aws:SourceIp') && !tests.includes('aws:SourceVpce')) return 'has no network to test'
  const types = [Condition['StringEquals']?.['s3:authType'] ?? []].flat()
  if (types.length > 0) return types.includes('REST-HEADER') ? "is for Signpost's own requests too" : null
  const good = [Condition['NotIpAddress']?.['aws:SourceIp'] ?? []].flat()
  const ownIsGood = store.ownAddress !== null && membershipOf(good)(store.ownAddress)
  return ownIsGood ? null : "shuts out this server's own address"
}

function refusal(what: string): SignpostError {
  return new SignpostError('conflict', `Nothing was set: ${what}.`)
}
