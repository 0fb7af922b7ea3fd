import type { IssuedUrl, Verification } from '@signpost/contract'
import type { ApiClient } from './api-client.ts'
import { TransferError } from './transfer-error.ts'

/** Is there something that the store could not hold the writer to, and that is looked at afterwards? */
export function isLookedAt({ enforcement }: Pick<IssuedUrl, 'enforcement'>): boolean {
  return Object.values(enforcement).includes('verified-after')
}

/** Reports that a write is done, and has the object looked at. */
export async function verifyWrite(
  api: ApiClient,
  team: string,
  grantId: string,
  signal?: AbortSignal,
): Promise<Verification> {
  return api.call('verifyWrite', { params: { team, grantId } }, { signal })
}

const done = { kept: 'was left where it is', quarantined: 'was moved away', deleted: 'was deleted' } as const

/** @throws TransferError `verification_failed` */
export function checkVerification({ grantId, state, failed, outcome }: Verification): void {
  if (state !== 'failed') return
  const what = outcome === null ? '' : `; it ${done[outcome]}`
  throw new TransferError(
    'verification_failed',
    `What was stored is not what was promised (${failed.join(', ') || 'unknown'})${what}`,
    { peer: 'signpost', grantId },
  )
}
