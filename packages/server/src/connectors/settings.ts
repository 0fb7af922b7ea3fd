/** Settings of a connector as they are compared, shown and stored. */

import { ConnectorSettings, type Connector } from '@signpost/contract'
import { azureAddress } from './azure/address.ts'
import { gcsAddress, GOOGLE } from './gcs/address.ts'
import { s3Address } from './s3/address.ts'
import { isReference } from './secrets.ts'

/**
 * One line that says where the bucket is: two connectors with the same line open the same bucket. The service's host
 * without the bucket, so that path and virtual-hosted addressing compare equal.
 */
export function locationOf(settings: ConnectorSettings): string {
  switch (settings.kind) {
    case 's3': {
      const { namespace } = s3Address({ ...settings, endpoint: settings.endpoint })
      const host = oneHost(namespace)
      // Google's buckets can be opened in S3's dialect too.
      const kind = host === new URL(GOOGLE).host ? 'gcs' : 's3'
      return `${kind} ${host} ${settings.bucket}`
    }
    case 'gcs':
      return `gcs ${hostOf(gcsAddress(settings).serviceOrigin)} ${settings.bucket}`
    case 'azure':
      return `azure ${hostOf(azureAddress(settings).origin)} ${settings.account} ${settings.bucket}`
  }
}

function hostOf(origin: string): string {
  return oneHost(new URL(origin).host.toLowerCase())
}

/** The providers' own hosts: regional, private and older names lead to the same buckets. */
function oneHost(host: string): string {
  if (/(?:^|\.)googleapis\.com$/.test(host)) return new URL(GOOGLE).host
  return /\.(?:core\.windows\.net|blob\.storage\.azure\.net)$/.test(host) ? 'blob.core.windows.net' : host
}

/**
 * The parts of a credential that are no secrets: whitelisted, so that a new field stays hidden until it is named here.
 * `teamServiceAccounts` stays hidden: it would tell the names of other teams.
 */
const publicCredentialFields = new Set([
  'type',
  'accessKeyId',
  'clientEmail',
  'accessId',
  'tenantId',
  'clientId',
  'authorityHost',
  'profile',
  'roleArn',
  // "The external ID is not a secret": AWS, "Access to AWS accounts owned by third parties".
  'externalId',
  'perRequester',
  'sourceIdentity',
  'durationSeconds',
  'stsEndpoint',
  'organizationId',
  'exchangeEndpoint',
  'serviceAccount',
  'iamEndpoint',
  'tokenEndpoint',
  'metadataHost',
])

/** What may be shown of settings. */
export function publicSettings(settings: ConnectorSettings): Connector['settings'] {
  const { credential, ...others } = settings
  const shown: Connector['settings'] = {}
  for (const [name, value] of Object.entries(others)) {
    if (value !== undefined) shown[name] = value
  }
  return { ...shown, credential: publicCredential(credential) }
}

/** Where the server finds a secret is none. A `source` is a credential of its own. */
function publicCredential(credential: object): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(credential) as [string, unknown][]) {
    if (isReference(value)) shown[name] = { ...value }
    else if (name === 'source' && typeof value === 'object' && value !== null)
      shown[name] = publicCredential(value)
    else if (publicCredentialFields.has(name) && value !== undefined && typeof value !== 'object')
      shown[name] = value
  }
  return shown
}

/** Two JSON texts for the database. */
export interface SplitSettings {
  /** What `publicSettings` shows: may stand in the clear. */
  settings: string
  /** The whole credential: to be sealed. */
  credential: string
}

export function splitCredential(settings: ConnectorSettings): SplitSettings {
  return {
    settings: JSON.stringify(publicSettings(settings)),
    credential: JSON.stringify(settings.credential),
  }
}

/** The reverse. Throws ZodError when what was stored are no settings. */
export function joinCredential({ settings, credential }: SplitSettings): ConnectorSettings {
  return ConnectorSettings.parse({
    ...(JSON.parse(settings) as object),
    credential: JSON.parse(credential) as unknown,
  })
}
