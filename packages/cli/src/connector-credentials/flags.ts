/** The options that say what signs for a bucket: every type of credential of the contract. */
import { Option, type Command } from 'commander'

export const credentialTypes = {
  s3: ['static', 'environment', 'assumeRole', 'federationToken', 'coreweaveOidc'],
  gcs: ['serviceAccountKey', 'hmacKey', 'impersonation'],
  azure: ['accountKey', 'clientSecret', 'workloadIdentity', 'managedIdentity'],
} as const

export interface CredentialFlags {
  credentialType?: string
  /** The whole credential, JSON. */
  credentialFile?: string
  secretFrom?: string
  accessKeyId?: string
  secretAccessKeyFile?: string
  sessionTokenFile?: string
  profile?: string
  roleArn?: string
  externalId?: string
  perRequester?: 'yes' | 'no'
  sourceIdentity?: 'yes' | 'no'
  durationSeconds?: string
  stsEndpoint?: string
  organizationId?: string
  exchangeEndpoint?: string
  oidcTokenFile?: string
  serviceAccountKeyFile?: string
  hmacAccessId?: string
  hmacSecretFile?: string
  serviceAccount?: string
  teamServiceAccount?: string[]
  metadataHost?: string
  tokenEndpoint?: string
  iamEndpoint?: string
  accountKeyFile?: string
  tenantId?: string
  clientId?: string
  clientSecretFile?: string
  authorityHost?: string
}

const flag = {
  credentialType: new Option(
    '--credential-type <type>',
    'what signs; told by the other options where left out',
  ).choices(Object.values(credentialTypes).flat()),
  credentialFile: new Option(
    '--credential-file <file>',
    'the whole credential as the API takes it, JSON; with {"env": ...} and {"file": ...} the server reads it by itself; - for standard input',
  ),
  secretFrom: new Option(
    '--secret-from <place>',
    'the secret stays with the server: env:SIGNPOST_SECRET_NAME, or file:PATH below its SIGNPOST_SECRETS_DIR (organisation admins)',
  ),
  accessKeyId: new Option('--access-key-id <id>', 's3: id of the access key (or AWS_ACCESS_KEY_ID)'),
  secretAccessKeyFile: new Option(
    '--secret-access-key-file <file>',
    's3: its secret; - for standard input (or AWS_SECRET_ACCESS_KEY)',
  ),
  sessionTokenFile: new Option(
    '--session-token-file <file>',
    's3: session token of a temporary key (or AWS_SESSION_TOKEN)',
  ),
  profile: new Option(
    '--profile <name>',
    "s3: the server's own identity, by this profile of its configuration",
  ),
  roleArn: new Option(
    '--role-arn <arn>',
    "s3: role to assume, by the key that is given, else by the server's own identity",
  ),
  externalId: new Option('--external-id <id>', "s3: what the role's trust policy asks for"),
  perRequester: new Option(
    '--per-requester <choice>',
    's3: a session for each requester, yes unless told',
  ).choices(['yes', 'no']),
  sourceIdentity: new Option(
    '--source-identity <choice>',
    's3: name the requester in SourceIdentity too, yes unless told',
  ).choices(['yes', 'no']),
  durationSeconds: new Option('--duration-seconds <seconds>', 's3: life of each session or key'),
  stsEndpoint: new Option('--sts-endpoint <url>', "s3: the token service, if it is not its provider's"),
  organizationId: new Option(
    '--organization-id <id>',
    's3: CoreWeave organisation, to change an OIDC token for a key',
  ),
  exchangeEndpoint: new Option('--exchange-endpoint <url>', "s3: CoreWeave's API, if not the public one"),
  oidcTokenFile: new Option(
    '--oidc-token-file <file>',
    's3, azure: OIDC token, read once; better --secret-from file:PATH, which the server reads again when it changes',
  ),
  serviceAccountKeyFile: new Option(
    '--service-account-key-file <file>',
    'gcs: JSON key file (or GOOGLE_APPLICATION_CREDENTIALS)',
  ),
  hmacAccessId: new Option('--hmac-access-id <id>', 'gcs: id of an HMAC key'),
  hmacSecretFile: new Option('--hmac-secret-file <file>', 'gcs: its secret; - for standard input'),
  serviceAccount: new Option(
    '--service-account <email>',
    "gcs: service account to impersonate, by the key file that is given, else by the server's own identity",
  ),
  teamServiceAccount: new Option(
    '--team-service-account <team=email...>',
    'gcs: another service account for this team; give all of them at each change',
  ),
  metadataHost: new Option('--metadata-host <url>', 'gcs: metadata service, if not the usual one'),
  tokenEndpoint: new Option('--token-endpoint <url>', "gcs: token service, if not Google's"),
  iamEndpoint: new Option('--iam-endpoint <url>', "gcs: IAM credentials service, if not Google's"),
  accountKeyFile: new Option(
    '--account-key-file <file>',
    'azure: key of the account; - for standard input (or AZURE_STORAGE_KEY)',
  ),
  tenantId: new Option('--tenant-id <id>', 'azure: Entra tenant (or AZURE_TENANT_ID)'),
  clientId: new Option(
    '--client-id <id>',
    'azure: Entra application or managed identity (or AZURE_CLIENT_ID)',
  ),
  clientSecretFile: new Option(
    '--client-secret-file <file>',
    'azure: its secret; - for standard input (or AZURE_CLIENT_SECRET)',
  ),
  authorityHost: new Option('--authority-host <url>', 'azure: Entra authority, if not the public one'),
} satisfies Record<keyof CredentialFlags, Option>

export const credentialFlagNames = Object.keys(flag) as (keyof CredentialFlags)[]

export function withCredentialFlags(command: Command): Command {
  for (const option of Object.values(flag)) command.addOption(option)
  return command
}
