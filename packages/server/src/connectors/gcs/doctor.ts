/** What the doctor knows of Google Cloud Storage. */

import { encodeComponent } from '@signpost/signing'
import type { ConnectorSettings } from '@signpost/contract'
import { fail } from '../doctor/finding.ts'
import type { KindDoctor } from '../doctor/kind.ts'
import { shellWord } from '../policies/document.ts'
import { gcsAddress } from './address.ts'

/** A page sends some of them, and reads the others. */
const HEADERS = [
  'Content-Type',
  'Content-MD5',
  'Content-Range',
  'Content-Length',
  'ETag',
  'x-goog-hash',
  'x-goog-content-length-range',
  'x-goog-if-generation-match',
]

type GcsStored = Extract<ConnectorSettings, { kind: 'gcs' }>

export const gcsDoctor: KindDoctor = {
  address(settings) {
    const { origin, pathPrefix, serviceOrigin } = gcsAddress(settings as GcsStored)
    return {
      origin,
      serviceHost: pathPrefix === '' ? new URL(serviceOrigin).hostname : undefined,
      bucketUrl: `${origin}${pathPrefix}${pathPrefix === '' ? '/' : ''}`,
    }
  },
  listQuery: 'list-type=2&max-keys=1',
  // "Bucket naming requirements".
  nameProblem: ({ bucket }) =>
    /^[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]$/.test(bucket)
      ? undefined
      : fail(
          `${bucket} is no name that Google takes.`,
          'choose lower-case letters, digits, hyphens, underscores and dots',
        ),
  markerParameter: 'X-User',
  copyHeader: ({ bucket }, sourceKey) => ({
    'x-goog-copy-source': `/${bucket}/${sourceKey.split('/').map(encodeComponent).join('/')}`,
  }),
  // Google shows what it calculated. `host` is signed without its port in some of its clients.
  hostChanged(patient, { text }) {
    const { hostname } = new URL(gcsAddress(patient.settings as GcsStored).origin)
    const seen = /<CanonicalRequest>[\s\S]*?^host:([^\r\n]{1,255})$/m.exec(text)?.[1]?.trim()
    const isSame = seen === undefined || seen.replace(/:\d+$/, '') === hostname
    return Promise.resolve(
      isSame
        ? undefined
        : `The host was signed as ${hostname} and arrives as another one: something rewrites it.`,
    )
  },
  otherAddressing: () => Promise.resolve(undefined),
  rights: {
    put: 'storage.objects.create (roles/storage.objectUser)',
    get: 'storage.objects.get (roles/storage.objectUser)',
    list: 'storage.objects.list (roles/storage.objectUser)',
    delete: 'storage.objects.delete (roles/storage.objectUser)',
    multipart: 'storage.multipartUploads.create, storage.multipartUploads.listParts, storage.objects.create',
    abort: 'storage.multipartUploads.abort',
    overwrite: 'storage.objects.delete: Google deletes what is overwritten',
  },
  paste: {
    cors: ({ bucket }, origins, headers) =>
      asFile('cors.json', [
        {
          origin: origins,
          // POST: forms.
          method: ['GET', 'HEAD', 'PUT', 'POST'],
          // One list for the headers that pages may send and those that they may read.
          responseHeader: [...new Set([...headers, ...HEADERS])],
          maxAgeSeconds: 3000,
        },
      ]) + `gcloud storage buckets update ${shellWord(`gs://${bucket}`)} --cors-file=cors.json`,
    staleUploads: ({ bucket }) =>
      asFile('lifecycle.json', {
        rule: [{ action: { type: 'AbortIncompleteMultipartUpload' }, condition: { age: 8 } }],
      }) + `gcloud storage buckets update ${shellWord(`gs://${bucket}`)} --lifecycle-file=lifecycle.json`,
    privacy: ({ bucket }) =>
      `gcloud storage buckets update ${shellWord(`gs://${bucket}`)} --public-access-prevention`,
  },
}

function asFile(name: string, document: object): string {
  return `cat > ${name} <<'END'\n${JSON.stringify(document)}\nEND\n`
}
