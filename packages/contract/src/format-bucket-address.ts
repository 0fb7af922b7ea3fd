/** The other way: settings -> one line, without anything of the credential. `bucket-address.ts` reads it back. */
import type { AddressedSettings } from './bucket-address.ts'

/** What says where the bucket is; whatever else settings hold is not looked at. */
export function formatBucketAddress(settings: AddressedSettings, prefix = ''): string {
  switch (settings.kind) {
    case 's3':
      return formatS3(settings, prefix)
    case 'gcs': {
      const { bucket, endpoint, addressing } = settings
      const query = { endpoint, addressing: addressing === 'path' ? undefined : addressing }
      return line('gs', bucket, prefix, query)
    }
    case 'azure': {
      const { account, bucket, endpoint } = settings
      return line('az', `${account}/${bucket}`, prefix, { endpoint })
    }
  }
}

function formatS3(settings: Extract<AddressedSettings, { kind: 's3' }>, prefix: string): string {
  const { bucket, region, endpoint, addressing } = settings
  if (endpoint === undefined)
    return line('s3', bucket, prefix, {
      region,
      addressing: addressing === 'virtual' ? undefined : addressing,
    })
  const { protocol, host } = new URL(endpoint)
  const isTls = protocol === 'https:'
  const coreweave = /^(?:cwobject|cwlota)\.com$/.test(host)
  if (coreweave && (isTls || host === 'cwlota.com')) {
    // A name with dots stands behind the host: no certificate covers it before.
    const place = bucket.includes('.') ? `${host}/${bucket}` : `${bucket}.${host}`
    const tls = isTls === (host === 'cwobject.com') ? undefined : String(isTls)
    return line('cw', place, prefix, { region, tls })
  }
  const usual = /\.amazonaws\.com(?:\.cn)?$/.test(host) ? 'virtual' : 'path'
  const query = { region, tls: String(isTls), addressing: addressing === usual ? undefined : addressing }
  return line('s3', `${host}/${bucket}`, prefix, query)
}

function line(
  scheme: string,
  place: string,
  prefix: string,
  query: Readonly<Record<string, string | undefined>>,
): string {
  const path = prefix
    .split('/')
    .filter((segment) => segment !== '')
    .map((segment) => `/${encodeURIComponent(segment)}`)
    .join('')
  const pairs = Object.entries(query).flatMap(([name, value]) =>
    // A colon and slashes may stand in a query as they are (RFC 3986 §3.4), and read better.
    value === undefined
      ? []
      : [`${name}=${encodeURIComponent(value).replaceAll('%3A', ':').replaceAll('%2F', '/')}`],
  )
  return `${scheme}://${place}${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`
}
