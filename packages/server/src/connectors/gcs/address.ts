/** Where a Google Cloud Storage bucket answers: the XML API, which is the one that takes signed URLs. */

import { encodeComponent, type BucketAddress } from '@signpost/signing'

export interface GcsAddress extends BucketAddress {
  /** Without the bucket. */
  serviceOrigin: string
  host: string
}

export const GOOGLE = 'https://storage.googleapis.com'
/** Dots in the name would break TLS: Google's wildcard covers one label. */
const HOST_LABEL = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/

export function gcsAddress({
  bucket,
  endpoint,
  addressing,
}: {
  bucket: string
  endpoint?: string | undefined
  addressing: 'virtual' | 'path'
}): GcsAddress {
  const service = new URL(endpoint ?? GOOGLE)
  const isVirtual =
    addressing === 'virtual' && HOST_LABEL.test(bucket) && !/^(?:[\d.]+|\[.*\])$/.test(service.hostname)
  const host = isVirtual ? `${bucket}.${service.host}` : service.host
  return {
    serviceOrigin: service.origin,
    host,
    origin: `${service.protocol}//${host}`,
    pathPrefix: isVirtual ? '' : `/${encodeComponent(bucket)}`,
  }
}
