/** The fields of a connector's settings, by the options that give them. */
const optionOf: Readonly<Record<string, string>> = {
  name: 'NAME',
  kind: '--kind',
  bucket: '--bucket',
  endpoint: '--endpoint',
  addressing: '--addressing',
  marker: '--marker',
  region: '--region',
  account: '--account',
  'credential.accessKeyId': '--access-key-id',
  'credential.secretAccessKey': '--secret-access-key-file (or AWS_SECRET_ACCESS_KEY)',
  'credential.sessionToken': '--session-token-file (or AWS_SESSION_TOKEN)',
  'credential.clientEmail': '--service-account-key-file: client_email',
  'credential.privateKey': '--service-account-key-file: private_key',
  'credential.accessId': '--hmac-access-id',
  'credential.secret': '--hmac-secret-file',
  'credential.accountKey': '--account-key-file (or AZURE_STORAGE_KEY)',
  'credential.tenantId': '--tenant-id',
  'credential.clientId': '--client-id',
  'credential.clientSecret': '--client-secret-file (or AZURE_CLIENT_SECRET)',
  'credential.authorityHost': '--authority-host',
  'credential.type': '--credential-type',
  'credential.source': '--credential-type',
  'credential.profile': '--profile',
  'credential.roleArn': '--role-arn',
  'credential.externalId': '--external-id',
  'credential.perRequester': '--per-requester',
  'credential.sourceIdentity': '--source-identity',
  'credential.durationSeconds': '--duration-seconds',
  'credential.stsEndpoint': '--sts-endpoint',
  'credential.organizationId': '--organization-id',
  'credential.exchangeEndpoint': '--exchange-endpoint',
  'credential.token': '--token-file or --secret-from',
  'credential.serviceAccount': '--service-account',
  'credential.teamServiceAccounts': '--team-service-account',
  'credential.metadataHost': '--metadata-host',
  'credential.tokenEndpoint': '--token-endpoint',
  'credential.iamEndpoint': '--iam-endpoint',
}

/** What the server says of `settings.credential.accountKey`, said of `--account-key-file`. */
export async function inOptions<T>(call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    if (error instanceof Error)
      error.message = error.message.replaceAll(
        // Of a source the same options tell.
        /\bsettings\.(credential\.)?(?:source\.(?=\w))?(\w+)/g,
        (field, credential: string | undefined, name: string) =>
          optionOf[`${credential ?? ''}${name}`] ?? field,
      )
    throw error
  }
}
