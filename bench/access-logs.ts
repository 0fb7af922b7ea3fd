/** The parser of S3's access log against a bare read and split of the same file. `node bench/access-logs.ts` */

import { parseLog } from '../packages/server/src/correlation/parse-log.ts'
import { s3ServerAccess } from '../packages/server/src/correlation/formats/s3-server-access.ts'
import { compare, flatten, measureRounds, printRows, type BenchRow, type Variant } from './bench.ts'

const lineCount = 50_000
const chunkBytes = 64 * 1024
const newline = 0x0a

export async function benchAccessLogs(): Promise<BenchRow[]> {
  const file = sampleFile()
  const [bare, parser, whole] = [readAndSplit(file), parseLines(file), readAndParse(file)]
  const rates = await measureRounds([bare, parser, whole], {
    rounds: 5,
    warmUpMilliseconds: 1000,
    roundMilliseconds: 500,
    clock: 'cpu',
  })
  const unit = 'lines/s of CPU time'
  return [parser, whole].map(({ name }) =>
    compare(rates, { name: `${name} / ${bare.name}`, unit, target: 0, subject: name, baseline: bare.name }),
  )
}

/** Reads by signed URLs, one in four by a header, as an SDK does; about 850 bytes a line. */
function sampleFile(): Buffer {
  const lines = Array.from({ length: lineCount }, (_, index) => {
    const key = `runs/${index % 900}/checkpoints/model-${index}.safetensors`
    const isSigned = index % 4 !== 0
    const query = `?${signedQuery(index)}`
    const requestId = index.toString(16).toUpperCase().padStart(16, '0')
    const request = `"GET /${key}${isSigned ? query : ''} HTTP/1.1" 200 - 1048576 1048576 112 10`
    const [minute, second] = [Math.floor(index / 60) % 60, index % 60].map((part) =>
      String(part).padStart(2, '0'),
    )
    return `79a59df900b949e55d96a1e698fbacedfd6e09d98eacf8f8d5218e7cd47ef2be team-vision [23/Nov/2026:12:${minute}:${second} +0000] 192.0.2.${index % 250} arn:aws:sts::123456789012:assumed-role/signpost-vision/user${index % 97} ${requestId} REST.GET.OBJECT ${key} ${request} "-" "python-requests/2.31.0" - s9lzHYrFp76ZVxRcpX9+5cjAnEH2ROuNkd2BHfIa6UkFVdtjf5mKR3/eTPFvsiP/XV/VLi31234= SigV4 ECDHE-RSA-AES128-GCM-SHA256 ${isSigned ? 'QueryString' : 'AuthHeader'} team-vision.s3.us-east-1.amazonaws.com TLSV1.2 - -`
  })
  return Buffer.from(lines.join('\n'))
}

function signedQuery(index: number): string {
  const grant = `0198c1f0-7d3a-7000-8000-${String(index).padStart(12, '0')}`
  return `X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=ASIAEXAMPLE${index % 7}%2F20261123%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20261123T120000Z&X-Amz-Expires=3600&X-Amz-SignedHeaders=host&X-Grant=${grant}&X-User=user${index % 97}%40example.com&X-Amz-Signature=${'X'.repeat(32)}`
}

/** Calls back for each line from where the last call ended, round and round. */
function lineReader(file: Buffer): (take: (line: string) => void) => void {
  let start = 0
  return (take) => {
    const end = file.indexOf(newline, start)
    take(file.toString('utf8', start, end === -1 ? file.length : end))
    start = end === -1 ? 0 : end + 1
  }
}

function readAndSplit(file: Buffer): Variant {
  const next = lineReader(file)
  let used = 0
  const run = (count: number) => {
    for (let index = 0; index < count; index += 1) next((line) => (used += flatten(line)))
    if (used < 0) throw new Error('nothing was read')
  }
  return { name: 'bare read and split', run }
}

function parseLines(file: Buffer): Variant {
  const next = lineReader(file)
  const run = (count: number) => {
    let users = 0
    for (let index = 0; index < count; index += 1)
      next((line) => {
        const parsed = s3ServerAccess.parse(line, {})
        if (parsed.outcome !== 'record' || parsed.record.doubts.length > 0)
          throw new Error(`not read: ${line}`)
        users += parsed.record.markers.user.length
      })
    if (count > 4 && users === 0) throw new Error('no user was found')
  }
  return { name: 'parser, S3 access log', run }
}

/** As ingestion does it: chunks of bytes in, records out. Whole files only, so the count is rounded up. */
function readAndParse(file: Buffer): Variant {
  async function* chunks(): AsyncGenerator<Uint8Array> {
    for (let start = 0; start < file.length; start += chunkBytes)
      yield file.subarray(start, start + chunkBytes)
  }
  let ahead = 0
  const run = async (count: number) => {
    while (ahead < count) {
      for await (const batch of parseLog(s3ServerAccess, chunks())) ahead += batch.length
    }
    ahead -= count
  }
  return { name: 'read, split and parse by parseLog', run }
}

if (import.meta.main) printRows('Access logs', await benchAccessLogs())
