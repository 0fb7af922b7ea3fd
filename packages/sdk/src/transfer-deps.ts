import type { ApiClient } from './api-client.ts'
import type { SendDeps } from './send-signed.ts'

/** What every transfer stands on. */
export interface TransferDeps extends SendDeps {
  api: ApiClient
  clock: () => number
  /** Which of the bucket's addresses to use; undefined: the one that the server chooses. */
  audience?: string | undefined
}

/** The client's choice for this call, where it says another. */
export function forCall(deps: TransferDeps, options: { audience?: string | undefined }): TransferDeps {
  return options.audience === undefined ? deps : { ...deps, audience: options.audience }
}

/** As a field of a request. */
export function audienceField({ audience }: Pick<TransferDeps, 'audience'>): { audience?: string } {
  return audience === undefined ? {} : { audience }
}
