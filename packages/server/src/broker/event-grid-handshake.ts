/**
 * How Azure's Event Grid asks whether its events are wanted, before it sends any. Whoever asks has shown the source's token.
 * Its own schema: https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema
 * CloudEvents: HTTP 1.1 Web Hooks for Event Delivery 1.0, 4. "Abuse protection".
 */
import { SignpostError } from '@signpost/contract'
import type { NamedLogSourceRow } from '../store/log-sources.ts'

const codeCharactersMax = 512

/** The code to send back; undefined: this is no such question. */
export function subscriptionCode(
  { format }: Pick<NamedLogSourceRow, 'format'>,
  text: string,
): string | undefined {
  if (format !== 'azure-event-grid') return undefined
  let events: unknown
  try {
    events = JSON.parse(text)
  } catch {
    return undefined
  }
  // "It is sent alone."
  const [event] = Array.isArray(events) && events.length === 1 ? (events as unknown[]) : []
  const { eventType, data } = (event ?? {}) as { eventType?: unknown; data?: { validationCode?: unknown } }
  if (eventType !== 'Microsoft.EventGrid.SubscriptionValidationEvent') return undefined
  const code = data?.validationCode
  if (typeof code === 'string' && code !== '' && code.length <= codeCharactersMax) return code
  throw new SignpostError('invalid', 'data.validationCode: is missing.', { field: 'data.validationCode' })
}

/** A name of the DNS. */
const origin = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i

/** Whom the source lets send, of who asks to: itself. Throws where nobody is. */
export function allowedOrigin({ format }: Pick<NamedLogSourceRow, 'format'>, asking: unknown): string {
  if (format === 'azure-event-grid' && typeof asking === 'string' && origin.test(asking)) return asking
  throw new SignpostError('method_not_allowed', 'This address takes POST.')
}
