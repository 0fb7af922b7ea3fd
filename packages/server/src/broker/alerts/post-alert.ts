import { postSigned } from '../../sinks/webhook.ts'
import type { Delivery } from '../../sinks/types.ts'
import type { AlertRow } from '../../store/alerts.ts'
import type { BrokerDeps } from '../deps.ts'
import { rulesOf, type AlertTarget } from './alert-record.ts'

/** The same id and body, however often it is tried. */
export async function postAlert(
  { guardedFetch, clock }: Pick<BrokerDeps, 'guardedFetch' | 'clock'>,
  row: AlertRow,
  { url, signing }: AlertTarget,
  message: { id: string; body: string },
): Promise<Delivery> {
  const { allowInternal } = rulesOf(row)
  const to = { url, allowInternal, contentType: 'application/json' }
  return postSigned({ guardedFetch, clock }, to, { signing }, message)
}
