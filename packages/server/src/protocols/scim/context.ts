/** What the routes stand on, and who stands before them. */
import type { AuditEventType } from '@signpost/contract'
import { SignpostError } from '@signpost/contract'
import type { FastifyRequest } from 'fastify'
import { enterDirectory } from '../../broker/directory/gate.ts'
import type { BrokerDeps } from '../../broker/deps.ts'
import type { Reading } from './kind.ts'

export interface ScimContext {
  broker: BrokerDeps
  /** Where SCIM begins at the public address of this server. */
  base: () => string
}

/** `type`: how a refusal is recorded. */
export async function enter(
  { broker, base }: ScimContext,
  request: FastifyRequest,
  type: AuditEventType,
): Promise<Reading> {
  const { caller } = request
  if (caller === null)
    throw new SignpostError('unauthenticated', 'Send an API key: Authorization: Bearer sp_...')
  return { deps: broker, by: await enterDirectory(broker, caller, type), base: base() }
}
