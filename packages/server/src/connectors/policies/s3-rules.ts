/** CORS for pages, and what becomes of parts that nobody completes. */
import type { PolicyDocument } from '@signpost/contract'
import { jsonDocument, policyDocument, terraformDocument } from './document.ts'
import { hclBlock, hclName } from './hcl.ts'
import type { S3PolicyInput } from './s3-network.ts'

const methods = ['GET', 'HEAD', 'PUT', 'POST']
/** Without ETag a page cannot complete an upload in parts. */
const exposed = ['ETag', 'Content-Range', 'Content-Length', 'x-amz-request-id', 'x-amz-version-id']
const maxAgeSeconds = 3000

export const noOrigins = 'https://app.example'
export const originsNote = `Put the origins of your pages in place of ${noOrigins}.`

export function originsOf(origins: readonly string[]): { origins: readonly string[]; notes: string[] } {
  return origins.length > 0 ? { origins, notes: [] } : { origins: [noOrigins], notes: [originsNote] }
}

export function s3CorsDocuments(input: S3PolicyInput): PolicyDocument[] {
  const { origins, notes } = originsOf(input.origins)
  const title = 'CORS rules for pages that upload and download'
  const tags = (name: string, values: readonly string[]) =>
    values.map((value) => `    <${name}>${xmlText(value)}</${name}>\n`).join('')
  const xml = `<CORSConfiguration>
  <CORSRule>
${tags('AllowedOrigin', origins)}${tags('AllowedMethod', methods)}${tags('AllowedHeader', ['*'])}${tags('ExposeHeader', exposed)}    <MaxAgeSeconds>${maxAgeSeconds}</MaxAgeSeconds>
  </CORSRule>
</CORSConfiguration>`
  const rule = hclBlock(['cors_rule'], {
    allowed_origins: origins,
    allowed_methods: methods,
    allowed_headers: ['*'],
    expose_headers: exposed,
    max_age_seconds: maxAgeSeconds,
  })
  const resource = [
    'resource',
    'aws_s3_bucket_cors_configuration',
    `signpost_${hclName(input.settings.name)}`,
  ]
  return [
    jsonDocument(
      'cors',
      title,
      {
        CORSRules: [
          {
            AllowedOrigins: origins,
            AllowedMethods: methods,
            AllowedHeaders: ['*'],
            ExposeHeaders: exposed,
            MaxAgeSeconds: maxAgeSeconds,
          },
        ],
      },
      [
        'For `aws s3api put-bucket-cors --cors-configuration file://...`; the console takes the list alone.',
        ...notes,
      ],
    ),
    policyDocument('cors', title, 'xml', xml, ['For s3cmd setcors and other S3 tools.', ...notes]),
    terraformDocument('cors', title, [hclBlock(resource, { bucket: input.settings.bucket }, [rule])], notes),
  ]
}

export function s3LifecycleDocuments(input: S3PolicyInput): PolicyDocument[] {
  const days = staleDays(input.uploadSecondsMax)
  const title = 'Drop parts of uploads that nobody completes'
  const xml = `<LifecycleConfiguration>
  <Rule>
    <ID>SignpostStaleUploads</ID>
    <Filter><Prefix></Prefix></Filter>
    <Status>Enabled</Status>
    <AbortIncompleteMultipartUpload><DaysAfterInitiation>${days}</DaysAfterInitiation></AbortIncompleteMultipartUpload>
  </Rule>
</LifecycleConfiguration>`
  const rule = {
    ID: 'SignpostStaleUploads',
    Status: 'Enabled',
    Filter: { Prefix: '' },
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: days },
  }
  const note = 'Takes the place of all rules that are there: add what you have.'
  const block = hclBlock(
    ['resource', 'aws_s3_bucket_lifecycle_configuration', `signpost_${hclName(input.settings.name)}`],
    { bucket: input.settings.bucket },
    [
      hclBlock(['rule'], { id: rule.ID, status: rule.Status }, [
        hclBlock(['filter'], { prefix: '' }),
        hclBlock(['abort_incomplete_multipart_upload'], { days_after_initiation: days }),
      ]),
    ],
  )
  return [
    jsonDocument('lifecycle', title, { Rules: [rule] }, [note]),
    policyDocument('lifecycle', title, 'xml', xml, [note]),
    terraformDocument('lifecycle', title, [block], [note]),
  ]
}

/** A day after Signpost itself has given the upload up. */
export function staleDays(uploadSecondsMax: number): number {
  return Math.ceil(uploadSecondsMax / 86_400) + 1
}

function xmlText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
