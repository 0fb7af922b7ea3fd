import type { CredentialSource, TimedCredential } from './source.ts'

/** A key that stands in the settings. When a session token ends, nothing says: the doctor and the first refusal do. */
export function staticSource(key: {
  accessKeyId: string
  secretAccessKey: string
  sessionToken?: string | undefined
}): CredentialSource {
  const { accessKeyId, secretAccessKey, sessionToken } = key
  const only: TimedCredential = {
    credential: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    endsAt: null,
  }
  return { forScope: () => only, own: () => only, close: () => undefined }
}
