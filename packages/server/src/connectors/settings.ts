/** Settings of a connector as they are compared, shown and stored. */

import { ConnectorSettings, type Connector } from '@signpost/contract'
import { azureAddress } from './azure/address.ts'
import { gcsAddress, GOOGLE } from './gcs/address.ts'
import { s3Address } from './s3/address.ts'

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

/** The parts of a credential that are no secrets: whitelisted, so that a new field stays hidden until it is named here. */
const publicCredentialFields = new Set([
  'type',
  'accessKeyId',
  'clientEmail',
  'accessId',
  'tenantId',
  'clientId',
  'authorityHost',
])

/** What may be shown of settings. */
export function publicSettings(settings: ConnectorSettings): Connector['settings'] {
  const { credential, ...others } = settings
  const shown: Connector['settings'] = {}
  for (const [name, value] of Object.entries(others)) {
    if (value !== undefined) shown[name] = value
  }
  const fields = Object.entries(credential).filter(([name]) => publicCredentialFields.has(name))
  return { ...shown, credential: Object.fromEntries(fields) as Record<string, string> }
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
