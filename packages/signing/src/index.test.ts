import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as signing from './index.ts'

test('the package gives the signers, the markers, the explanations and the stages', () => {
  assert.deepEqual(
    Object.keys(signing).sort((left, right) => (left < right ? -1 : 1)),
    [
      'SigningInputError',
      'UNSIGNED_PAYLOAD',
      'URL_NAMESPACE',
      'azureBlobUrl',
      'azureSas',
      'basicTimestamp',
      'canonicalHeaders',
      'canonicalQuery',
      'canonicalRequest',
      'credentialScope',
      'encodeComponent',
      'encodePath',
      'explainAzureUrl',
      'explainS3Url',
      'gcsMarkers',
      'presignGcs',
      'presignGcsPost',
      'presignGcsPostRsa',
      'presignGcsRsa',
      'presignS3',
      'presignS3Post',
      's3Markers',
      'scidOf',
      'signatureOf',
      'signingKey',
      'sortParameters',
      'stringToSign',
      'uuidV5',
    ],
  )
})
