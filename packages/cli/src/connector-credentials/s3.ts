import { UsageError } from '../errors.ts'
import { fieldsOf, needed, secretOf, textOf, type Given } from './secret.ts'

export async function s3Credential(type: string, given: Given): Promise<object> {
  switch (type) {
    case 'static':
      return staticKey(given)
    case 'environment':
      return environment(given)
    case 'assumeRole':
      return assumeRole(given)
    case 'federationToken':
      return { ...(await accessKey(given)), ...sessions(given), type }
    default:
      return coreweaveOidc(given)
  }
}

/** The type that the options tell, else the one that is there. */
export function s3Type({ flags }: Given, there: string | undefined): string {
  if (flags.roleArn !== undefined) return 'assumeRole'
  if (flags.organizationId !== undefined) return 'coreweaveOidc'
  if (flags.profile !== undefined && there !== 'assumeRole') return 'environment'
  if (flags.accessKeyId !== undefined && there === 'environment') return 'static'
  return there ?? 'static'
}

async function accessKey(given: Given): Promise<{ accessKeyId: unknown; secretAccessKey: unknown }> {
  const { flags, sources, shown } = given
  const { env } = sources
  // The id too may be a reference.
  const accessKeyId = needed(
    flags.accessKeyId ?? shown['accessKeyId'] ?? (env['AWS_ACCESS_KEY_ID'] || undefined),
    'a connector of kind s3 needs --access-key-id (or AWS_ACCESS_KEY_ID), --role-arn, --profile or --credential-type environment',
  )
  const secretAccessKey = await secretOf(given, {
    field: 'secretAccessKey',
    flag: '--secret-access-key-file',
    file: flags.secretAccessKeyFile,
    variable: isOfEnvironment(given, accessKeyId) ? 'AWS_SECRET_ACCESS_KEY' : undefined,
  })
  return { accessKeyId, secretAccessKey }
}

/** The environment's secret belongs to the environment's id. */
function isOfEnvironment({ sources: { env } }: Given, accessKeyId: unknown): boolean {
  return env['AWS_ACCESS_KEY_ID'] === undefined || env['AWS_ACCESS_KEY_ID'] === accessKeyId
}

async function staticKey(given: Given): Promise<object> {
  const { flags, sources, shown } = given
  const key = await accessKey(given)
  const isFromEnvironment =
    typeof key.secretAccessKey === 'string' &&
    flags.secretAccessKeyFile === undefined &&
    isOfEnvironment(given, key.accessKeyId)
  const sessionToken =
    flags.sessionTokenFile !== undefined
      ? await sources.readSecret(flags.sessionTokenFile, '--session-token-file')
      : isFromEnvironment
        ? sources.env['AWS_SESSION_TOKEN'] || undefined
        : // A reference stays with the one that it stands beside.
          typeof key.secretAccessKey === 'object' && flags.secretFrom === undefined
          ? shown['sessionToken']
          : undefined
  return { type: 'static', ...key, ...fieldsOf({ sessionToken }) }
}

function environment(given: Given): object {
  return { type: 'environment', ...fieldsOf({ profile: textOf(given, 'profile') }) }
}

async function assumeRole(given: Given): Promise<object> {
  const { flags, shown } = given
  const there = (shown['source'] ?? {}) as Record<string, unknown>
  const isStatic =
    flags.accessKeyId !== undefined || (flags.profile === undefined && there['type'] === 'static')
  const of = { ...given, shown: isStatic === (there['type'] === 'static') ? there : {} }
  const { sourceIdentity } = flags
  return {
    type: 'assumeRole',
    roleArn: needed(textOf(given, 'roleArn'), 'assumeRole needs --role-arn'),
    source: isStatic ? await staticKey(of) : environment(of),
    ...fieldsOf({
      externalId: textOf(given, 'externalId'),
      sourceIdentity: sourceIdentity === undefined ? shown['sourceIdentity'] : sourceIdentity === 'yes',
    }),
    ...sessions(given),
  }
}

function sessions(given: Given): object {
  const { flags, shown } = given
  return fieldsOf({
    perRequester: flags.perRequester === undefined ? shown['perRequester'] : flags.perRequester === 'yes',
    durationSeconds: durationOf(given),
    stsEndpoint: textOf(given, 'stsEndpoint'),
  })
}

function durationOf({ flags, shown }: Given): unknown {
  if (flags.durationSeconds === undefined) return shown['durationSeconds']
  if (!/^\d{1,6}$/.test(flags.durationSeconds))
    throw new UsageError('--duration-seconds takes a whole number of seconds')
  return Number(flags.durationSeconds)
}

async function coreweaveOidc(given: Given): Promise<object> {
  return {
    type: 'coreweaveOidc',
    organizationId: needed(textOf(given, 'organizationId'), 'coreweaveOidc needs --organization-id'),
    token: await secretOf(given, {
      field: 'token',
      flag: '--oidc-token-file',
      file: given.flags.oidcTokenFile,
    }),
    ...fieldsOf({
      durationSeconds: durationOf(given),
      exchangeEndpoint: textOf(given, 'exchangeEndpoint'),
    }),
  }
}
