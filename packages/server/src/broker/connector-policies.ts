import { SignpostError, type ParsedInput, type Reply } from '@signpost/contract'
import type { BrokerDeps, Caller } from './deps.ts'

export async function getPolicies(
  _deps: BrokerDeps,
  _caller: Caller,
  _input: ParsedInput<'getPolicies'>,
): Promise<Reply<'getPolicies'>> {
  throw new SignpostError('unsupported_by_store', 'Not there yet.')
}
