/** The kinds of connector. A new kind is a folder and a line in `openConnector`. */

import type { ConnectorSettings } from '@signpost/contract'
import type { OpenConnector } from '../domain/connector.ts'
import { openAzure } from './azure/open.ts'
import { openGcs } from './gcs/open.ts'
import type { SignBlobResult } from './gcs/sign-blob.ts'
import { openS3 } from './s3/open.ts'
import { refuseReference, resolveSecrets, type ReadSecret } from './secrets.ts'

export { referencesOf, refuseReference, resolveSecrets } from './secrets.ts'
export {
  examineBucket,
  halvesOf,
  type DoctorDeps,
  type Examination,
  type LogFacts,
  type SinkFacts,
} from './doctor/index.ts'
export {
  joinCredential,
  locationOf,
  publicSettings,
  splitCredential,
  type SplitSettings,
} from './settings.ts'

export interface ConnectorDeps {
  /** ms since the epoch */
  clock: () => number
  fetch: typeof fetch
  /** Left out: references to secrets are refused. */
  readSecret?: ReadSecret
  /** Counts calls of IAM's signBlob: each URL takes one, and there is a quota. */
  countSignBlob?: (result: SignBlobResult) => void
  /** Endpoint of the embedded store, where it runs. */
  localStoreEndpoint?: string
  /** Of Signpost's own calls; `fetch` sends it already. Left out: that of the SDKs. */
  userAgent?: string
}

/**
 * Opens a bucket. Reaches nothing: SDKs load, and tokens are fetched, when they are needed.
 *
 * @throws SignpostError `invalid` when the credential is malformed (a private key that is none), naming its field.
 */
export function openConnector(stored: ConnectorSettings, deps: ConnectorDeps): OpenConnector {
  const settings = resolveSecrets(stored, deps.readSecret ?? refuseReference)
  switch (settings.kind) {
    case 's3':
      return openS3(settings, deps)
    case 'gcs':
      return openGcs(settings, deps)
    case 'azure':
      return openAzure(settings, deps)
  }
}
