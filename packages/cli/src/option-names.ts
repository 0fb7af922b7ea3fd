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
  'credential.token': '--oidc-token-file or --secret-from',
  'credential.serviceAccount': '--service-account',
  'credential.teamServiceAccounts': '--team-service-account',
  'credential.metadataHost': '--metadata-host',
  'credential.tokenEndpoint': '--token-endpoint',
  'credential.iamEndpoint': '--iam-endpoint',
}

/** The fields of a policy; of a list the place in it is left out, since the sentence behind it says what must be. */
const policyOptionOf: Readonly<Record<string, string>> = {
  networks: '--network',
  'expiry.readSecondsDefault': '--read-default',
  'expiry.readSecondsMax': '--read-max',
  'expiry.writeSecondsDefault': '--write-default',
  'expiry.writeSecondsMax': '--write-max',
}

/** The fields of other calls, by what is asked for. */
const optionsOf = {
  request: {
    expiresInSeconds: '--expires',
    contentType: '--content-type',
    contentLength: '--content-length',
    contentLengthRange: '--min-bytes and --max-bytes',
    checksum: '--checksum',
    createOnly: '--create-only',
    audience: '--audience',
    downloadAs: '--download-as',
    method: '--method',
  },
  hold: { username: '--user', team: '--team', from: '--from', to: '--to', reason: '--reason' },
  retention: { trailDays: '--trail', accessLogDays: '--access-logs', unparsedDays: '--unparsed' },
  alert: {
    name: 'NAME',
    url: '--to',
    findings: '--finding',
    teams: '--team',
    minimum: '--min',
    quietSeconds: '--quiet',
  },
  sink: {
    name: 'NAME',
    'settings.connector': '--bucket',
    'settings.prefix': '--prefix',
    'settings.url': '--webhook or --otlp',
    'settings.host': '--syslog',
    'settings.port': '--syslog',
    'settings.eventsMax': '--max',
    'settings.everySeconds': '--every',
    'settings.ca': '--ca-file',
    'settings.serverName': '--server-name',
    'settings.certificate': '--certificate-file',
    'filter.types': '--type',
    'secrets.signing': '--secret-file',
    'secrets.headers': '--headers-file',
    'secrets.clientKey': '--key-file',
    newSigningSecret: '--new-secret',
  },
  source: {
    name: 'NAME',
    connector: '--connector',
    format: '--format',
    'settings.reader': '--bucket',
    'settings.prefix': '--prefix',
    'settings.layout': '--layout',
    'settings.lookBackDays': '--look-back',
    'settings.path': '--folder or --ceph',
    'settings.pubsub.audience': '--pubsub-audience',
    'settings.pubsub.serviceAccount': '--pubsub-account',
    newToken: '--new-token',
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, string>>>>

/**
 * What the server says of `settings.credential.accountKey`, said of `--account-key-file`. What came by another way than
 * options keeps its own names: `credentialFile`. Else what the call is about: a question for a URL, a hold, and so on.
 */
export async function inOptions<T>(
  call: Promise<T>,
  came: 'options' | 'credentialFile' | keyof typeof optionsOf = 'options',
): Promise<T> {
  try {
    return await call
  } catch (error) {
    if (error instanceof Error) error.message = saidOf(error.message, came)
    throw error
  }
}

function saidOf(message: string, came: 'options' | 'credentialFile' | keyof typeof optionsOf): string {
  if (came === 'options' || came === 'credentialFile') return ofConnector(message, came === 'credentialFile')
  const options: Readonly<Record<string, string>> = optionsOf[came]
  return withFlags(message).replaceAll(
    // Of a list the place in it is left out.
    /(^|; )([a-z]+(?:\.[a-z]+)*)(?:\.\d+)?(?=[.:])/gi,
    (found, before: string, field: string) =>
      Object.hasOwn(options, field) ? `${before}${options[field]}` : found,
  )
}

/** Words that sentences have for fields that are no more than said or not. */
export function withFlags(message: string): string {
  return message
    .replace('send `evenIfUnknown`: true', 'add --even-if-unknown')
    .replace(/(?:unless|only where) `?allowInternal`? is set/, (found) =>
      found.startsWith('unless') ? 'unless you give --allow-internal' : 'only with --allow-internal',
    )
}

/** Of a command that makes or changes a connector. */
export function cameBy({ credentialFile }: { credentialFile?: string }): 'options' | 'credentialFile' {
  return credentialFile === undefined ? 'options' : 'credentialFile'
}

function ofConnector(message: string, credentialFile: boolean): string {
  return message
    .replaceAll(
      // Of a source the same options tell.
      /\bsettings\.(credential\.)?(?:source\.(?=\w))?(\w+)/g,
      (field, credential: string | undefined, name: string) =>
        credential && credentialFile
          ? `--credential-file: ${field.slice('settings.credential.'.length)}`
          : (optionOf[`${credential ?? ''}${name}`] ?? field),
    )
    .replaceAll(
      /\bpolicy\.(networks|expiry\.\w+)(?:\.\d+)?/g,
      (field, name: string) => policyOptionOf[name] ?? field,
    )
}
