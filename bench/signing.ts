/** The promises of `@signpost/signing`, against the official signers and the best libraries. `node bench/signing.ts` */

import { generateKeyPairSync } from 'node:crypto'
import { StorageSharedKeyCredential } from '@azure/storage-blob'
import { scidOf } from '@signpost/signing'
import { compare, measureRounds, printRows, type BenchRow, type RoundOptions, type Variant } from './bench.ts'
import {
  ACCOUNT_KEY,
  aws4fetchS3,
  aws4S3,
  bareInPool,
  bareSign,
  DELEGATION_KEY,
  sdkAzure,
  sdkGetSignedUrl,
  sdkPresigner,
  signpostAzure,
  signpostGcsHmac,
  signpostRsa,
  signpostS3,
} from './signing-variants.ts'

const URLS = 'URLs/s of CPU time'
const OPTIONS: RoundOptions = { rounds: 5, warmUpMilliseconds: 1000, roundMilliseconds: 400, clock: 'cpu' }

export async function benchSigning(): Promise<BenchRow[]> {
  return [...(await benchS3()), ...(await benchGcsHmac()), ...(await benchAzure()), ...(await benchGcsRsa())]
}

async function benchS3(): Promise<BenchRow[]> {
  const rates = await measureRounds(
    [signpostS3(), sdkGetSignedUrl(), sdkPresigner(), aws4S3(), aws4fetchS3()],
    // The SDK needs long to get up to its speed.
    { ...OPTIONS, warmUpMilliseconds: 2500 },
  )
  const against = (baseline: string, target: number) =>
    compare(rates, { name: `presignS3 / ${baseline}`, unit: URLS, target, subject: 'presignS3', baseline })
  return [
    against('AWS SDK getSignedUrl', 60),
    against('AWS SDK S3RequestPresigner, reused', 0),
    against('aws4', 4),
    against('aws4fetch', 0),
  ]
}

async function benchGcsHmac(): Promise<BenchRow[]> {
  const rates = await measureRounds(
    [signpostGcsHmac(), sdkGetSignedUrl(), aws4S3()],
    // The SDK needs long to get up to its speed.
    { ...OPTIONS, warmUpMilliseconds: 2500 },
  )
  return [
    compare(rates, {
      name: 'presignGcs (HMAC) / AWS SDK getSignedUrl',
      unit: URLS,
      target: 60,
      subject: 'presignGcs',
      baseline: 'AWS SDK getSignedUrl',
    }),
    compare(rates, {
      name: 'presignGcs (HMAC) / aws4',
      unit: URLS,
      target: 4,
      subject: 'presignGcs',
      baseline: 'aws4',
    }),
  ]
}

async function benchAzure(): Promise<BenchRow[]> {
  const correlationId = scidOf('alice')
  const hour = 3_600_000
  const startsAt = Math.floor(Date.now() / 1000) * 1000
  const endsAt = startsAt + 24 * hour
  const signpostKey = { ...DELEGATION_KEY, signedStartsOn: second(startsAt), signedExpiresOn: second(endsAt) }
  const sdkKey = { ...DELEGATION_KEY, signedStartsOn: new Date(startsAt), signedExpiresOn: new Date(endsAt) }
  const variants = [
    signpostAzure('azureSas, user delegation', { type: 'userDelegation', key: signpostKey }, correlationId),
    sdkAzure('SDK, user delegation', sdkKey, correlationId),
    signpostAzure('azureSas, account key', { type: 'accountKey', accountKey: ACCOUNT_KEY }),
    sdkAzure('SDK, account key', new StorageSharedKeyCredential('trainingdata', ACCOUNT_KEY)),
  ]
  const rates = await measureRounds(variants, OPTIONS)
  return ['user delegation', 'account key'].map((form) =>
    compare(rates, {
      name: `azureSas / @azure/storage-blob, ${form}`,
      unit: 'tokens/s of CPU time',
      target: 2,
      subject: `azureSas, ${form}`,
      baseline: `SDK, ${form}`,
    }),
  )
}

function second(epochMilliseconds: number): string {
  return new Date(epochMilliseconds).toISOString().replace('.000', '')
}

/** How many signatures are asked for at once, to keep the thread pool's four threads busy. */
const AT_ONCE = 16

async function benchGcsRsa(): Promise<BenchRow[]> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const inTurn = signpostRsa('presignGcsRsa, one at a time', privateKey, 1)
  const atOnce = signpostRsa('presignGcsRsa, many at once', privateKey, AT_ONCE)
  const bare = bareSign('crypto.sign', privateKey)
  const bareInTurn = bareInPool('crypto.sign in the thread pool, one at a time', privateKey, 1)
  const bareAtOnce = bareInPool('crypto.sign in the thread pool, many at once', privateKey, AT_ONCE)
  const rates = await measureRounds([inTurn, bareInTurn, atOnce, bareAtOnce, bare], OPTIONS)
  const wallRates = await measureRounds([atOnce, bare], { ...OPTIONS, clock: 'wall' })
  const row = (target: number, { name: subject }: Variant, { name: baseline }: Variant) =>
    compare(rates, { name: `${subject} / bare ${baseline}`, unit: URLS, target, subject, baseline })
  return [
    row(0.9, inTurn, bareInTurn),
    row(0.9, atOnce, bareAtOnce),
    // Blocking: without the way to the thread pool and back, and on one core only.
    row(0, inTurn, bare),
    compare(wallRates, {
      name: `${atOnce.name} / bare crypto.sign, by the clock on the wall (all cores / one)`,
      unit: 'URLs/s of wall clock',
      target: 0,
      subject: atOnce.name,
      baseline: bare.name,
    }),
  ]
}

if (import.meta.main) {
  const rows = await benchSigning()
  printRows('Signing', rows)
  process.exitCode = rows.every(({ isMet }) => isMet) ? 0 : 1
}
