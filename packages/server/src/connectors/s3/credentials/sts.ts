/** The two calls of a token service (STS) that are needed, by the AWS SDK, which is loaded at the first of them. */

import type * as Sdk from '@aws-sdk/client-sts'
import { stsError, StsRefusal, unavailable } from './sts-error.ts'
import type { CredentialSource, TimedCredential } from './source.ts'

export interface Sts {
  assumeRole(input: Sdk.AssumeRoleCommandInput): Promise<TimedCredential>
  getFederationToken(input: Sdk.GetFederationTokenCommandInput): Promise<TimedCredential>
  close(): void
}

export interface StsSettings {
  region: string
  /** Left out: AWS's own in the region. */
  endpoint?: string | undefined
  /** Who calls. */
  caller: CredentialSource['own']
  /** What mends an AccessDenied. */
  rights: string
}

const CONNECT_TIMEOUT_MS = 2000
/** With its one retry. */
const CALL_TIMEOUT_MS = 8000
const ERROR_BYTES_MAX = 65_536

export function createSts({ region, endpoint, caller, rights }: StsSettings): Sts {
  const host = endpoint === undefined ? `AWS's token service in ${region}` : new URL(endpoint).host
  let opened: Promise<{ sdk: typeof Sdk; client: Sdk.STSClient }> | undefined
  const client = () => (opened ??= open(region, endpoint, caller))
  const run = async (
    call: (
      client: Sdk.STSClient,
      sdk: typeof Sdk,
      abortSignal: AbortSignal,
    ) => Promise<{ Credentials?: Sdk.Credentials | undefined }>,
  ): Promise<TimedCredential> => {
    try {
      const { sdk, client: sts } = await client()
      const answer = await call(sts, sdk, AbortSignal.timeout(CALL_TIMEOUT_MS))
      return timedOf(answer.Credentials, host)
    } catch (error) {
      throw stsError(error, { host, rights })
    }
  }
  return {
    assumeRole: (input) =>
      run((sts, sdk, abortSignal) => sts.send(new sdk.AssumeRoleCommand(input), { abortSignal })),
    getFederationToken: (input) =>
      run((sts, sdk, abortSignal) => sts.send(new sdk.GetFederationTokenCommand(input), { abortSignal })),
    close() {
      opened?.then(
        ({ client: sts }) => sts.destroy(),
        () => {},
      )
    },
  }
}

async function open(region: string, endpoint: string | undefined, caller: CredentialSource['own']) {
  const sdk = await import('@aws-sdk/client-sts')
  const client = new sdk.STSClient({
    region,
    ...(endpoint === undefined ? {} : { endpoint }),
    credentials: async () => {
      const { credential, endsAt } = await caller()
      return { ...credential, ...(endsAt === null ? {} : { expiration: new Date(endsAt) }) }
    },
    maxAttempts: 2,
    // This handler follows no redirects.
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS },
  })
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args)
      await throwRefusal(result.response)
      return result
    },
    { step: 'deserialize', priority: 'low', name: 'throwRefusal' },
  )
  return { sdk, client }
}

/** Ceph writes its errors in S3's form, which the SDK does not read in the place of STS's: the code is taken from either. */
async function throwRefusal(response: unknown): Promise<void> {
  const { statusCode = 0, body } = response as { statusCode?: number; body?: AsyncIterable<Uint8Array> }
  if (statusCode < 300) return
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body ?? []) {
    chunks.push(chunk)
    if ((size += chunk.byteLength) > ERROR_BYTES_MAX) break
  }
  const text = Buffer.concat(chunks).toString()
  throw new StsRefusal(
    statusCode,
    /<Code>([A-Z]\w{2,63})<\/Code>/.exec(text)?.[1],
    /DurationSeconds/.test(text),
  )
}

function timedOf(found: Sdk.Credentials | undefined, host: string): TimedCredential {
  const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = found ?? {}
  if (!AccessKeyId || !SecretAccessKey || !SessionToken || !Expiration || Number.isNaN(Expiration.getTime()))
    throw unavailable(`${host} left out parts of the session. Fix: is it a token service (STS)?`, undefined)
  return {
    credential: {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
    },
    endsAt: Expiration.getTime(),
  }
}
