import { SignpostError, type ParsedInput, type Reply } from '@signpost/contract'
import type { BrokerDeps, Caller } from './deps.ts'

export async function planNetwork(
  _deps: BrokerDeps,
  _caller: Caller,
  _input: ParsedInput<'planNetwork'>,
): Promise<Reply<'planNetwork'>> {
  throw new SignpostError('unsupported_by_store', 'Not there yet.')
}

export async function applyNetwork(
  _deps: BrokerDeps,
  _caller: Caller,
  _input: ParsedInput<'applyNetwork'>,
): Promise<Reply<'applyNetwork'>> {
  throw new SignpostError('unsupported_by_store', 'Not there yet.')
}

export async function verifyNetwork(
  _deps: BrokerDeps,
  _caller: Caller,
  _input: ParsedInput<'verifyNetwork'>,
): Promise<Reply<'verifyNetwork'>> {
  throw new SignpostError('unsupported_by_store', 'Not there yet.')
}
