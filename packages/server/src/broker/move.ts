import { SignpostError, type ParsedInput, type Reply } from '@signpost/contract'
import type { BrokerDeps, Caller } from './deps.ts'

export async function startMove(
  _deps: BrokerDeps,
  _caller: Caller,
  _input: ParsedInput<'startMove'>,
): Promise<Reply<'startMove'>> {
  throw new SignpostError('unsupported_by_store', 'Not there yet.')
}

export async function getMove(
  _deps: BrokerDeps,
  _caller: Caller,
  _input: ParsedInput<'getMove'>,
): Promise<Reply<'getMove'>> {
  throw new SignpostError('unsupported_by_store', 'Not there yet.')
}

export async function cancelMove(
  _deps: BrokerDeps,
  _caller: Caller,
  _input: ParsedInput<'cancelMove'>,
): Promise<Reply<'cancelMove'>> {
  throw new SignpostError('unsupported_by_store', 'Not there yet.')
}
