/** What a bucket of Google Cloud Storage is set to: sub-resources of the bucket in the XML API. */

import type { BucketConfiguration } from '../../domain/connector.ts'
import { unreadableError } from '../store-error.ts'
import { textOf, type XmlAnswer, type XmlCall, type XmlElement } from './xml-api.ts'

/** Sub-resource of the bucket -> root of its document. */
const roots = {
  cors: 'CorsConfig',
  lifecycle: 'LifecycleConfiguration',
  versioning: 'VersioningConfiguration',
  encryptionConfig: 'EncryptionConfiguration',
  logging: 'Logging',
} as const

/** `call` sends with the connector's own credential: it takes `storage.buckets.get`. */
export function gcsConfiguration(
  call: (call: XmlCall) => Promise<XmlAnswer>,
  host: string,
): BucketConfiguration {
  const read = async (setting: keyof typeof roots) => {
    const { root, document } = await call({
      operation: { type: 'bucketSetting', setting },
      timeoutMs: 10_000,
    })
    // A store that does not know the sub-resource lists the bucket.
    if (root !== roots[setting]) throw unreadableError(undefined, { host })
    return document
  }
  return {
    async readCors() {
      return elementsIn(await read('cors'), 'Cors').map((rule) => {
        const listed = elementIn(rule, 'ResponseHeaders')
        // One list for both directions.
        const headers = textsIn(listed, 'ResponseHeader')
        return {
          origins: textsIn(elementIn(rule, 'Origins'), 'Origin'),
          methods: textsIn(elementIn(rule, 'Methods'), 'Method'),
          allowedHeaders: headers,
          exposedHeaders: headers,
        }
      })
    },
    async readVersioning() {
      const status = textOf(await read('versioning'), 'Status')
      return status === 'Enabled' ? 'enabled' : status === 'Suspended' ? 'suspended' : 'off'
    },
    async readEncryption() {
      const kmsKeyId = textOf(await read('encryptionConfig'), 'DefaultKmsKeyName')
      return kmsKeyId ? { algorithm: 'AES256', kmsKeyId } : null
    },
    async readStaleUploadDays() {
      const ages = rulesFor(await read('lifecycle'), 'AbortIncompleteMultipartUpload')
        .filter(({ prefix }) => prefix === '')
        .map(({ days }) => days)
        .filter((days) => days !== null)
      return ages.length === 0 ? null : Math.min(...ages)
    },
    async readExpiryRules() {
      return rulesFor(await read('lifecycle'), 'Delete').filter(({ days }) => days !== null)
    },
    // "GET Bucket" and "PUT Bucket", logging: an empty element is off, and takes the bucket's name where no prefix is set.
    async readLogging() {
      const document = await read('logging')
      const bucket = textOf(document, 'LogBucket')
      if (bucket === undefined) return null
      return { bucket, prefix: textOf(document, 'LogObjectPrefix') ?? '' }
    },
    async writeLogging({ bucket, prefix }) {
      const named = prefix === '' ? '' : `<LogObjectPrefix>${escaped(prefix)}</LogObjectPrefix>`
      const body = `<Logging><LogBucket>${escaped(bucket)}</LogBucket>${named}</Logging>`
      await call({
        operation: { type: 'bucketSetting', setting: 'logging', write: true },
        headers: { 'content-type': 'application/xml' },
        body: new Uint8Array(Buffer.from(body)),
        timeoutMs: 10_000,
      })
    },
  }
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

/** "Object Lifecycle Management", XML: rules of one action and one condition each. */
function rulesFor(document: XmlElement, action: string): { prefix: string; days: number | null }[] {
  return elementsIn(document, 'Rule')
    .filter((rule) => elementIn(rule, 'Action')[action] !== undefined)
    .map((rule) => {
      const condition = elementIn(rule, 'Condition')
      const age = textOf(condition, 'Age')
      const prefix = textsIn(condition, 'MatchesPrefix')[0] ?? ''
      return { prefix, days: age === undefined ? null : Number(age) }
    })
}

function valuesIn(element: XmlElement, name: string): (string | XmlElement)[] {
  const value = element[name]
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value as string | XmlElement]
}

function elementsIn(element: XmlElement, name: string): XmlElement[] {
  return valuesIn(element, name).filter((one) => typeof one === 'object')
}

function textsIn(element: XmlElement, name: string): string[] {
  return valuesIn(element, name).filter((one) => typeof one === 'string')
}

function elementIn(element: XmlElement, name: string): XmlElement {
  return elementsIn(element, name)[0] ?? {}
}
