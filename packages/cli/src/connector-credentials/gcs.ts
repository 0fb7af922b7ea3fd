import { UsageError } from '../errors.ts'
import { fieldsOf, needed, secretOf, textOf, type Given } from './secret.ts'

export async function gcsCredential(type: string, given: Given): Promise<object> {
  switch (type) {
    case 'hmacKey':
      return hmacKey(given)
    case 'impersonation':
      return impersonation(given)
    default:
      return { type: 'serviceAccountKey', ...(await keyFile(given)) }
  }
}

export function gcsType({ flags }: Given, there: string | undefined): string {
  if (flags.serviceAccount !== undefined) return 'impersonation'
  if (flags.hmacAccessId !== undefined) return 'hmacKey'
  if (there === 'impersonation') return there
  return flags.serviceAccountKeyFile === undefined && there !== undefined ? there : 'serviceAccountKey'
}

async function hmacKey(given: Given): Promise<object> {
  return {
    type: 'hmacKey',
    // The id too may be a reference.
    accessId: needed(given.flags.hmacAccessId ?? given.shown['accessId'], 'hmacKey needs --hmac-access-id'),
    secret: await secretOf(given, {
      field: 'secret',
      flag: '--hmac-secret-file',
      file: given.flags.hmacSecretFile,
    }),
  }
}

async function impersonation(given: Given): Promise<object> {
  const { flags, shown } = given
  const there = (shown['source'] ?? {}) as Record<string, unknown>
  const isKey =
    flags.serviceAccountKeyFile !== undefined ||
    (flags.metadataHost === undefined && there['type'] === 'serviceAccountKey')
  const of = { ...given, shown: isKey === (there['type'] === 'serviceAccountKey') ? there : {} }
  // What is there is not shown: who leaves it out may not know of it.
  if (shown['type'] === 'impersonation' && flags.teamServiceAccount === undefined)
    throw new UsageError(
      'a change replaces the service accounts of single teams too, and they are not shown: give each with --team-service-account TEAM=EMAIL, or --team-service-account none',
    )
  return {
    type: 'impersonation',
    serviceAccount: needed(textOf(given, 'serviceAccount'), 'impersonation needs --service-account'),
    source: isKey
      ? {
          type: 'serviceAccountKey',
          ...(await keyFile(of)),
          ...fieldsOf({ tokenEndpoint: textOf(of, 'tokenEndpoint') }),
        }
      : { type: 'metadata', ...fieldsOf({ metadataHost: textOf(of, 'metadataHost') }) },
    ...fieldsOf({
      iamEndpoint: textOf(given, 'iamEndpoint'),
      teamServiceAccounts: teamAccounts(flags.teamServiceAccount),
    }),
  }
}

function teamAccounts(
  pairs: readonly string[] | undefined,
): { team: string; serviceAccount: string }[] | undefined {
  if (pairs === undefined || (pairs.length === 1 && pairs[0] === 'none')) return undefined
  return pairs.map((pair) => {
    const [, team, serviceAccount] = /^([^=]+)=(.+)$/.exec(pair) ?? []
    if (team === undefined || serviceAccount === undefined)
      throw new UsageError('--team-service-account takes TEAM=EMAIL')
    return { team, serviceAccount }
  })
}

/** A reference to the private key goes with the address that is known already. */
async function keyFile({ flags, sources, shown }: Given): Promise<object> {
  const { clientEmail, privateKey } = shown
  if (flags.serviceAccountKeyFile === undefined && typeof privateKey === 'object')
    return { clientEmail, privateKey }
  const file = flags.serviceAccountKeyFile ?? (sources.env['GOOGLE_APPLICATION_CREDENTIALS'] || undefined)
  if (file === undefined)
    throw new UsageError(
      'a connector of kind gcs needs --service-account-key-file FILE (or GOOGLE_APPLICATION_CREDENTIALS), --service-account EMAIL, or --hmac-access-id and --hmac-secret-file',
    )
  const key = parsedKeyFile(await sources.readSecret(file, '--service-account-key-file'), file)
  return { clientEmail: key.client_email, privateKey: key.private_key }
}

function parsedKeyFile(content: string, file: string): { client_email: string; private_key: string } {
  try {
    const key = JSON.parse(content) as Record<string, unknown> | null
    const { client_email, private_key } = key ?? {}
    if (typeof client_email === 'string' && typeof private_key === 'string')
      return { client_email, private_key }
  } catch {
    // Said below, without the content.
  }
  throw new UsageError(
    `${file} is no key file of a service account: it must be JSON with client_email and private_key`,
  )
}
