/**
 * The yardstick of what a core can sign, URLs a second: a plain function, with nothing checked, on `crypto.hash` and
 * `createHmac`, its signing key derived before. Not `presignS3`: a yardstick must not grow with what is measured. A process of
 * its own, beside the server's.
 */
import { createHmac, createSecretKey, hash, type KeyObject } from 'node:crypto'
import { presignS3, s3Markers } from '@signpost/signing'
import { flatten, measureRounds } from './bench.ts'
import { cores, jsonOf, startNode } from './processes.ts'

const region = 'us-west-2'
const host = `training-data.s3.${region}.amazonaws.com`
const credential = {
  accessKeyId: 'AKIAIOSFODNN7EXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
}
const markers = { username: 'alice', grantId: '01JD8Z3K5V' }
const expiresInSeconds = 3600

/** URLs a second on a quiet core of the machine that the promises of rates were made for: `README.md`. */
export const bareRateThere = 350_000

export function bareSigningRate(): Promise<number> {
  return jsonOf(startNode([import.meta.filename], { core: cores?.server }))
}

/** SigV4 in the query, for keys that need no encoding. */
function plainSigner(signedAt: number): (key: string) => string {
  const time = new Date(signedAt).toISOString().replaceAll(/[-:]|\.\d{3}/g, '')
  const date = time.slice(0, 8)
  const scope = `${date}/${region}/s3/aws4_request`
  const hmac = (key: string | Buffer | KeyObject, text: string) => createHmac('sha256', key).update(text)
  const keyBytes = [region, 's3', 'aws4_request'].reduce(
    (key, text) => hmac(key, text).digest(),
    hmac(`AWS4${credential.secretAccessKey}`, date).digest(),
  )
  // As bytes it would take Node 24 eight times as long.
  const signingKey = createSecretKey(keyBytes)
  const query =
    `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=${encodeURIComponent(`${credential.accessKeyId}/${scope}`)}` +
    `&X-Amz-Date=${time}&X-Amz-Expires=${expiresInSeconds}&X-Amz-SignedHeaders=host` +
    `&X-Grant=${markers.grantId}&X-User=${markers.username}`
  return (key) => {
    const canonical = `GET\n/${key}\n${query}\nhost:${host}\n\nhost\nUNSIGNED-PAYLOAD`
    const text = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash('sha256', canonical)}`
    return `https://${host}/${key}?${query}&X-Amz-Signature=${hmac(signingKey, text).digest('hex')}`
  }
}

/** What is quick and wrong would be no yardstick. */
function requireRight(): void {
  const signedAt = Date.parse('2026-01-02T03:04:05Z')
  const { url } = presignS3({
    operation: { type: 'get', key: 'runs/a.bin' },
    address: { origin: `https://${host}`, pathPrefix: '' },
    region,
    credential,
    signedAt,
    expiresInSeconds,
    query: s3Markers(markers),
  })
  const parts = (text: string) => [text.split('?')[0], ...new URL(text).search.slice(1).split('&').toSorted()]
  if (parts(url).join() !== parts(plainSigner(signedAt)('runs/a.bin')).join())
    throw new Error('the plain function signs something else')
}

if (import.meta.main) {
  requireRight()
  const sign = plainSigner(Date.now())
  let next = 1_000_000_000
  const run = (count: number) => {
    let sum = 0
    for (let at = 0; at < count; at++)
      sum += flatten(sign(`runs/2026-11-23/vision/checkpoints/model-shard-${next++}.ckpt`))
    if (sum === 0) throw new Error('nothing was signed')
  }
  const plain = { name: 'plain', run }
  const options = { rounds: 1, warmUpMilliseconds: 300, roundMilliseconds: 500, clock: 'wall' } as const
  const rates = await measureRounds([plain], options)
  console.log(JSON.stringify(rates.get(plain.name)![0]))
}
