import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListMultipartUploadsCommand,
  ListObjectsV2Command,
  ListPartsCommand,
  PutObjectCommand,
  S3Client,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import fc from 'fast-check'
import { explainS3Url } from './explain.ts'
import { presignS3 } from './s3.ts'
import { signatureOf, signingKey } from './sigv4/signing-key.ts'
import { awkwardKey, seed, username } from './testing/awkward.ts'
import { queryOf } from './testing/in-url.ts'
import type { PresignS3Request } from './types.ts'

/** The AWS SDK as judge: the same operation, the same time, the same markers. */

const BUCKET = 'training-data'
const TOKEN = 'FwoGZXIvYXdzEJr//////////wEaDH+a=='

const operation: fc.Arbitrary<PresignS3Request['operation']> = fc
  .record({
    key: awkwardKey,
    uploadId: awkwardKey,
    number: fc.integer({ min: 1, max: 10_000 }),
    text: awkwardKey,
    version: awkwardKey,
  })
  .chain(({ key, uploadId, number, text, version }) =>
    fc.constantFrom<PresignS3Request['operation']>(
      { type: 'get', key },
      {
        type: 'get',
        key,
        versionId: version,
        response: { contentDisposition: text, contentType: 'text/plain; charset=utf-8' },
      },
      { type: 'get', key, response: { cacheControl: text, contentEncoding: 'gzip', contentLanguage: 'de' } },
      { type: 'head', key },
      { type: 'put', key },
      { type: 'delete', key, versionId: version },
      { type: 'list', prefix: text, delimiter: '/', continuationToken: uploadId, maxKeys: number },
      { type: 'createUpload', key },
      { type: 'uploadPart', key, uploadId, partNumber: number },
      { type: 'completeUpload', key, uploadId },
      { type: 'abortUpload', key, uploadId },
      { type: 'listParts', key, uploadId, partNumberMarker: number, maxParts: number },
      { type: 'listUploads', prefix: text, keyMarker: key, uploadIdMarker: uploadId, maxUploads: number },
    ),
  )

const scenario = fc.record({
  operation,
  user: username,
  signedAt: fc.integer({ min: 0, max: 4_102_444_800 }).map((seconds) => seconds * 1000),
  expiresInSeconds: fc.integer({ min: 1, max: 604_800 }),
  region: fc.constantFrom('us-east-1', 'eu-central-1', 'ap-southeast-2'),
  hasToken: fc.boolean(),
  isPathStyle: fc.boolean(),
})

test('2000 random requests have the canonical request and the signature of the AWS SDK', async (t) => {
  t.diagnostic(`seed ${seed}`)
  const clients = new Map<string, S3Client>()
  await fc.assert(
    fc.asyncProperty(
      scenario,
      async ({ operation, user, signedAt, expiresInSeconds, region, hasToken, isPathStyle }) => {
        const credential = {
          accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
          secretAccessKey: 'wJalr/XUtn+FEMI',
          ...(hasToken ? { sessionToken: TOKEN } : {}),
        }
        const clientName = `${region} ${hasToken} ${isPathStyle}`
        const client = clients.get(clientName) ?? clientOf(region, credential, isPathStyle)
        clients.set(clientName, client)
        const markers = { 'X-User': user, 'X-Grant': '01JD8Z3K5V' }
        const command = commandOf(operation)
        addQuery(command, markers)
        const theirs = await getSignedUrl(client, command as GetObjectCommand, {
          expiresIn: expiresInSeconds,
          signingDate: new Date(signedAt),
          ...(operation.type === 'put' ? { signableHeaders: new Set(['content-type']) } : {}),
        })
        const theirId = queryOf(theirs).get('x-id')
        const ours = presignS3({
          operation,
          address: isPathStyle
            ? { origin: 'http://127.0.0.1:7480', pathPrefix: `/${BUCKET}` }
            : { origin: `https://${BUCKET}.s3.${region}.amazonaws.com`, pathPrefix: '' },
          region,
          credential,
          signedAt,
          expiresInSeconds,
          query: { ...markers, ...(theirId === undefined ? {} : { 'x-id': theirId }) },
          ...(operation.type === 'put' ? { headers: PUT_HEADERS } : {}),
        })
        assert.equal(new URL(ours.url).href, ours.url, 'a URL client leaves our URL as it is')
        const explained = explainS3Url(theirs, ours.method, ours.headers)
        // The SDK adds this parameter, which S3 makes optional; without it, the texts have to be the same.
        const withoutTheirs = explained.canonicalRequest.replace('X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&', '')
        assert.equal(withoutTheirs, ours.canonicalRequest)
        // And with it, our stages have to arrive at the SDK's signature.
        assert.equal(
          sign(explained.stringToSign, credential.secretAccessKey),
          queryOf(theirs).get('X-Amz-Signature'),
        )
        assert.equal(sign(ours.stringToSign, credential.secretAccessKey), ours.signature)
      },
    ),
    { numRuns: 2000, seed },
  )
})

const PUT_HEADERS = {
  'content-type': 'text/plain; charset=utf-8',
  'content-length': '42',
  'if-none-match': '*',
}

function sign(stringToSign: string, secret: string): string {
  const [day = '', region = '', service = '', terminator = ''] = stringToSign.split('\n')[2]!.split('/')
  return signatureOf(signingKey('AWS4', secret, { day, region, service, terminator }), stringToSign)
}

function clientOf(
  region: string,
  credentials: PresignS3Request['credential'],
  isPathStyle: boolean,
): S3Client {
  return new S3Client({
    region,
    credentials,
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    ...(isPathStyle ? { endpoint: 'http://127.0.0.1:7480', forcePathStyle: true } : {}),
  })
}

type AnyCommand = ReturnType<typeof commandOf>

function commandOf(operation: PresignS3Request['operation']) {
  const common = { Bucket: BUCKET, Key: 'key' in operation ? operation.key : '' }
  switch (operation.type) {
    case 'get':
      return new GetObjectCommand({
        ...common,
        VersionId: operation.versionId,
        ResponseContentDisposition: operation.response?.contentDisposition,
        ResponseContentType: operation.response?.contentType,
        ResponseCacheControl: operation.response?.cacheControl,
        ResponseContentEncoding: operation.response?.contentEncoding,
        ResponseContentLanguage: operation.response?.contentLanguage,
      })
    case 'head':
      return new HeadObjectCommand(common)
    case 'put':
      return new PutObjectCommand({
        ...common,
        ContentType: PUT_HEADERS['content-type'],
        ContentLength: 42,
        IfNoneMatch: '*',
      })
    case 'delete':
      return new DeleteObjectCommand({ ...common, VersionId: operation.versionId })
    case 'list':
      return new ListObjectsV2Command({
        Bucket: BUCKET,
        Prefix: operation.prefix,
        Delimiter: operation.delimiter,
        ContinuationToken: operation.continuationToken,
        MaxKeys: operation.maxKeys,
      })
    case 'createUpload':
      return new CreateMultipartUploadCommand(common)
    case 'uploadPart':
      return new UploadPartCommand({
        ...common,
        UploadId: operation.uploadId,
        PartNumber: operation.partNumber,
      })
    case 'completeUpload':
      return new CompleteMultipartUploadCommand({ ...common, UploadId: operation.uploadId })
    case 'abortUpload':
      return new AbortMultipartUploadCommand({ ...common, UploadId: operation.uploadId })
    case 'bucketSetting':
      throw new Error('not among the operations of this test')
    case 'listParts':
      return new ListPartsCommand({
        ...common,
        UploadId: operation.uploadId,
        PartNumberMarker: String(operation.partNumberMarker),
        MaxParts: operation.maxParts,
      })
    case 'listUploads':
      return new ListMultipartUploadsCommand({
        Bucket: BUCKET,
        Prefix: operation.prefix,
        KeyMarker: operation.keyMarker,
        UploadIdMarker: operation.uploadIdMarker,
        MaxUploads: operation.maxUploads,
      })
  }
}

/** The SDK has no way to sign a query parameter of one's own but a middleware. */
function addQuery(command: AnyCommand, query: Record<string, string>): void {
  const stack = (command as GetObjectCommand).middlewareStack
  stack.add(
    (next) => (args) => {
      Object.assign((args.request as { query: Record<string, string> }).query, query)
      return next(args)
    },
    { step: 'build', name: 'signpostMarkers' },
  )
}
