import { SignpostError, type ParsedInput, type Reply } from '@signpost/contract'
import type { BrokerDeps, Caller } from './deps.ts'

export async function rotateSecrets(
  _deps: BrokerDeps,
  _caller: Caller,
  _input: ParsedInput<'rotateSecrets'>,
): Promise<Reply<'rotateSecrets'>> {
  throw new SignpostError('unsupported_by_store', 'Not there yet.')
}
