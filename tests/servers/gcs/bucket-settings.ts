import { xmlReply } from './call.ts'
import type { Call, Reply } from './call.ts'
import { GcsRefusal } from './refusal.ts'
import { bucketOf } from './store.ts'
import type { CorsRule } from './store.ts'

/** Sub-resource -> its document while nothing was set ("XML API headers and query string parameters"). */
const unset: Readonly<Record<string, string>> = {
  cors: '<CorsConfig/>',
  lifecycle: '<LifecycleConfiguration/>',
  versioning: '<VersioningConfiguration/>',
  encryptionConfig: '<EncryptionConfiguration/>',
  logging: '<Logging/>',
}
export const bucketSettings: readonly string[] = Object.keys(unset)

export function readSetting({ store, bucket, query }: Call): Reply {
  const { cors, settings } = bucketOf(store, bucket)
  const name = bucketSettings.find((one) => query.has(one)) ?? ''
  const document =
    name === 'cors' && cors.length > 0 ? corsDocument(cors) : (settings.get(name) ?? unset[name])
  return xmlReply(200, `<?xml version='1.0' encoding='UTF-8'?>${document}`)
}

/** Of those that can be set, only what Signpost sets ("PUT Bucket", logging): the log bucket must be there. */
export function writeSetting({ store, bucket, body }: Call): Reply {
  const document = body.toString('utf8')
  const [, target] = /^<Logging><LogBucket>([^<]+)<\/LogBucket>/.exec(document) ?? []
  if (target === undefined || !store.buckets.has(target))
    throw new GcsRefusal(400, 'InvalidArgument', 'The log bucket does not exist.')
  bucketOf(store, bucket).settings.set('logging', document)
  return xmlReply(200, '')
}

function corsDocument(rules: readonly CorsRule[]): string {
  const list = (outer: string, inner: string, values: readonly string[]) =>
    `<${outer}>${values.map((value) => `<${inner}>${value}</${inner}>`).join('')}</${outer}>`
  const written = rules.map(
    (rule) =>
      `<Cors>${list('Origins', 'Origin', rule.origin)}${list('Methods', 'Method', rule.method)}` +
      `${list('ResponseHeaders', 'ResponseHeader', rule.responseHeader)}<MaxAgeSec>${rule.maxAgeSeconds}</MaxAgeSec></Cors>`,
  )
  return `<CorsConfig>${written.join('')}</CorsConfig>`
}
