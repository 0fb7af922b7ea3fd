/** What the doctor knows of S3 and its dialect. */

import { createHmac } from 'node:crypto'
import { encodeComponent } from '@signpost/signing'
import type { ConnectorSettings } from '@signpost/contract'
import { fail, warn, type Finding } from '../doctor/finding.ts'
import type { KindDoctor } from '../doctor/kind.ts'
import type { Patient } from '../doctor/patient.ts'
import type { StoreAnswer } from '../doctor/store-answer.ts'
import { shellWord } from '../policies/document.ts'
import { s3Address, type S3Address } from './address.ts'

type S3Stored = Extract<ConnectorSettings, { kind: 's3' }>

const EXPOSED = ['ETag', 'Content-Range', 'Content-Length', 'x-amz-request-id', 'x-amz-version-id']

export const s3Doctor: KindDoctor = {
  address(settings) {
    const { origin, pathStyle, pathPrefix, serviceOrigin } = addressOf(settings)
    return {
      origin,
      serviceHost: pathStyle ? undefined : new URL(serviceOrigin).hostname,
      bucketUrl: `${origin}${pathPrefix}/`,
    }
  },
  listQuery: 'list-type=2&max-keys=1',
  nameProblem: (settings) => nameProblem(settings as S3Stored),
  markerParameter: 'X-User',
  copyHeader: ({ bucket }, sourceKey) => ({
    'x-amz-copy-source': `/${bucket}/${sourceKey.split('/').map(encodeComponent).join('/')}`,
  }),
  hostChanged,
  otherAddressing,
  rights: {
    put: 's3:PutObject',
    get: 's3:GetObject',
    list: 's3:ListBucket (with s3:prefix)',
    delete: 's3:DeleteObject',
    multipart: 's3:PutObject, s3:ListMultipartUploadParts',
    abort: 's3:AbortMultipartUpload',
    overwrite: 's3:PutObject',
  },
  paste: {
    cors: (settings, origins) =>
      command(settings, 'put-bucket-cors', '--cors-configuration', {
        CORSRules: [
          {
            AllowedOrigins: origins,
            // POST: forms.
            AllowedMethods: ['GET', 'HEAD', 'PUT', 'POST'],
            AllowedHeaders: ['*'],
            ExposeHeaders: EXPOSED,
            MaxAgeSeconds: 3000,
          },
        ],
      }),
    staleUploads: (settings) =>
      command(settings, 'put-bucket-lifecycle-configuration', '--lifecycle-configuration', {
        Rules: [
          {
            ID: 'stale-uploads',
            Status: 'Enabled',
            Filter: { Prefix: '' },
            AbortIncompleteMultipartUpload: { DaysAfterInitiation: 8 },
          },
        ],
      }),
    privacy: (settings) =>
      command(settings, 'put-public-access-block', '--public-access-block-configuration', {
        // Ceph 16 refuses every write with it.
        BlockPublicAcls: addressOf(settings).provider !== 'other',
        IgnorePublicAcls: true,
        BlockPublicPolicy: true,
        RestrictPublicBuckets: true,
      }),
  },
}

function addressOf(settings: ConnectorSettings): S3Address {
  const s3 = settings as S3Stored
  return s3Address({ ...s3, endpoint: s3.endpoint })
}

function command(
  { bucket, endpoint }: ConnectorSettings,
  verb: string,
  option: string,
  document: object,
): string {
  const at = endpoint === undefined ? '' : ` --endpoint-url ${shellWord(endpoint)}`
  return `aws s3api ${verb} --bucket ${shellWord(bucket)}${at} ${option} ${shellWord(JSON.stringify(document))}`
}

/** "Bucket naming rules"; CoreWeave's further ones stand in its bucket reference. */
function nameProblem(settings: S3Stored): Finding | undefined {
  const { bucket, addressing } = settings
  const { provider, pathStyle } = addressOf(settings)
  if (provider === 'coreweave') {
    if (/^(?:cw-|vip-)/.test(bucket))
      return fail(`CoreWeave keeps names that begin with cw- and vip- to itself.`, 'choose another bucket')
    if (pathStyle)
      return fail(
        `CoreWeave addresses buckets by host only, and ${bucket} cannot stand in a host.`,
        'choose a bucket of lower-case letters, digits and hyphens: no underscores, no dots',
      )
  }
  if (provider === 'aws' && !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    return fail(
      `${bucket} is no name that AWS takes.`,
      'choose 3 to 63 lower-case letters, digits, dots and hyphens',
    )
  if (addressing === 'virtual' && pathStyle && settings.endpoint !== undefined)
    return warn(
      `${bucket} cannot stand before this host: URLs have it in the path instead.`,
      'set addressing to path, so that the settings say what is done',
    )
  return undefined
}

/** AWS shows what it calculated. Elsewhere version 2, which signs no host, tells whether the secret is right. */
async function hostChanged(patient: Patient, { text }: StoreAnswer): Promise<string | undefined> {
  const { host } = new URL(addressOf(patient.settings).origin)
  const seen = /<CanonicalRequest>[\s\S]*?^host:([^\r\n]{1,255})$/m.exec(text)?.[1]?.trim()
  if (seen !== undefined)
    return seen === host
      ? undefined
      : `The host was signed as ${host} and arrives as another one: something rewrites it.`
  const url = versionTwoUrl(patient)
  if (url === undefined) return undefined
  const { status, code } = await patient.send(url, { method: 'GET' })
  const isTaken = status === 404 && code === 'NoSuchKey'
  return isTaken
    ? `The key and its secret are right (an older signature that leaves the host out is taken): something rewrites the host ${host}.`
    : undefined
}

/** "Signing and authenticating REST requests" (version 2), query string; used for nothing but this. */
function versionTwoUrl({ settings, folder, deps }: Patient): string | undefined {
  const { credential, bucket } = settings as S3Stored
  const { origin, pathPrefix } = addressOf(settings)
  if (credential.type !== 'static') return undefined
  // What is referred to is not at hand here.
  if (typeof credential.secretAccessKey !== 'string' || typeof credential.accessKeyId !== 'string')
    return undefined
  if (credential.sessionToken !== undefined) return undefined
  const key = `${folder}absent`.split('/').map(encodeComponent).join('/')
  const expires = Math.floor(deps.clock() / 1000) + 60
  const signature = createHmac('sha1', credential.secretAccessKey)
    .update(`GET\n\n\n${expires}\n/${bucket}/${key}`)
    .digest('base64')
  const query = new URLSearchParams({
    AWSAccessKeyId: credential.accessKeyId,
    Expires: String(expires),
    Signature: signature,
  })
  return `${origin}${pathPrefix}/${key}?${query}`
}

/** Asks without a signature: whatever a store says of a bucket that it finds, it is not NoSuchBucket. */
async function otherAddressing(patient: Patient): Promise<string | undefined> {
  const settings = patient.settings as S3Stored
  const { pathStyle, provider } = addressOf(settings)
  const addressing = pathStyle ? 'virtual' : 'path'
  const other = s3Address({ ...settings, endpoint: settings.endpoint, addressing })
  if (other.pathStyle === pathStyle || provider === 'aws') return undefined
  try {
    const answer = await patient.send(`${other.origin}${other.pathPrefix}/?list-type=2`, { method: 'GET' })
    if (answer.status === 404 || answer.code === undefined) return undefined
    return `set addressing to ${addressing}: there the store finds the bucket`
  } catch {
    return undefined
  }
}
