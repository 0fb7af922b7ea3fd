/** Where an S3 bucket answers. The signed URLs and the operations go to the same host. */

import { encodeComponent, type BucketAddress } from '@signpost/signing'

export interface S3Place {
  bucket: string
  region: string
  endpoint?: string | undefined
  addressing: 'virtual' | 'path'
}

export type S3Provider = 'aws' | 'coreweave' | 'other'

export interface S3Address extends BucketAddress {
  provider: S3Provider
  /** Scheme, host and port without the bucket: what the SDK takes as its endpoint. */
  serviceOrigin: string
  pathStyle: boolean
  host: string
  /** Within which bucket names are unique: AWS's domain in this partition, CoreWeave's, or the endpoint's host. */
  namespace: string
}

/** Host suffix by the beginning of the region's name; the first that fits. AWS's own partition table. */
const awsPartitions: readonly (readonly [prefix: string, suffix: string])[] = [
  ['cn-', 'amazonaws.com.cn'],
  ['eusc-', 'amazonaws.eu'],
  ['us-isob-', 'sc2s.sgov.gov'],
  ['us-isof-', 'csp.hci.ic.gov'],
  ['eu-isoe-', 'cloud.adc-e.uk'],
  ['us-iso-', 'c2s.ic.gov'],
  ['', 'amazonaws.com'],
]

/** A name that can stand before the host: dots would break TLS (a wildcard covers one label). */
const HOST_LABEL = /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/
const IP_ADDRESS = /^(?:\d+\.\d+\.\d+\.\d+|\[.*\])$/

export function s3Address({ bucket, region, endpoint, addressing }: S3Place): S3Address {
  const service = new URL(endpoint ?? `https://s3.${region.toLowerCase()}.${awsSuffix(region)}`)
  const provider = endpoint === undefined ? 'aws' : providerOf(service.hostname)
  const isVirtual =
    // CoreWeave has no path style.
    (provider === 'coreweave' || addressing === 'virtual') &&
    HOST_LABEL.test(bucket) &&
    !IP_ADDRESS.test(service.hostname)
  const host = isVirtual ? `${bucket}.${service.host}` : service.host
  return {
    provider,
    serviceOrigin: service.origin,
    pathStyle: !isVirtual,
    host,
    namespace: namespaceOf(service),
    origin: `${service.protocol}//${host}`,
    pathPrefix: isVirtual ? '' : `/${encodeComponent(bucket)}`,
  }
}

function awsSuffix(region: string): string {
  return awsPartitions.find(([prefix]) => region.toLowerCase().startsWith(prefix))![1]
}

function namespaceOf({ hostname, host }: URL): string {
  if (providerOf(hostname) === 'coreweave') return 'cwobject.com'
  return partitionSuffixOf(hostname) ?? host
}

function partitionSuffixOf(hostname: string): string | undefined {
  return awsPartitions.map(([, suffix]) => suffix).find((suffix) => hostname.endsWith(`.${suffix}`))
}

function providerOf(hostname: string): S3Provider {
  if (partitionSuffixOf(hostname) !== undefined) return 'aws'
  // cwlota.com is CoreWeave's endpoint inside its clusters.
  if (/(?:^|\.)(?:cwobject|cwlota)\.com$/.test(hostname)) return 'coreweave'
  return 'other'
}
