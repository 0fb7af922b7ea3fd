import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { getSignedUrl } from '@aws-sdk/s3-request-presigner'
import { s3Address, type S3Place } from './address.ts'

const aws: S3Place = { bucket: 'team-vision', region: 'eu-central-1', addressing: 'virtual' }

const places: S3Place[] = [
  aws,
  { ...aws, region: 'us-east-1' },
  { ...aws, region: 'cn-north-1' },
  { ...aws, region: 'us-gov-west-1' },
  { ...aws, region: 'eusc-de-east-1' },
  { ...aws, region: 'us-iso-east-1' },
  { ...aws, region: 'us-isob-east-1' },
  { ...aws, bucket: 'team.vision' },
  { ...aws, addressing: 'path' },
  { ...aws, endpoint: 'https://cwobject.com', region: 'US-EAST-04A' },
  { ...aws, endpoint: 'https://s3.example.com' },
  { ...aws, endpoint: 'https://s3.example.com:9000', addressing: 'path' },
  { ...aws, endpoint: 'http://127.0.0.1:7480', addressing: 'path' },
  { ...aws, endpoint: 'http://127.0.0.1:7480' },
  { ...aws, endpoint: 'https://s3.example.com', bucket: 'team.vision' },
]

test('the address is the one that the AWS SDK takes for the same settings', async () => {
  for (const place of places) {
    const address = s3Address(place)
    const client = new S3Client({
      region: place.region,
      forcePathStyle: place.addressing === 'path',
      credentials: { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'secret' },
      ...(place.endpoint === undefined ? {} : { endpoint: place.endpoint }),
    })
    const url = new URL(await getSignedUrl(client, new GetObjectCommand({ Bucket: place.bucket, Key: 'k' })))
    client.destroy()
    assert.equal(`${address.origin}${address.pathPrefix}/k`, `${url.origin}${url.pathname}`)
  }
})

test('CoreWeave is addressed by virtual host, whatever is asked for: it has no path style', () => {
  const address = s3Address({ ...aws, endpoint: 'https://cwobject.com', addressing: 'path' })
  assert.equal(address.origin, 'https://team-vision.cwobject.com')
  assert.equal(address.provider, 'coreweave')
})

test('a private endpoint of AWS counts as AWS', () => {
  const endpoint = 'https://bucket.vpce-0a1b-2c3d.s3.us-east-1.vpce.amazonaws.com'
  assert.equal(s3Address({ ...aws, endpoint }).provider, 'aws')
  assert.equal(s3Address({ ...aws, endpoint: 'https://amazonaws.com.example.com' }).provider, 'other')
})
