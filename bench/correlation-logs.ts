/** Lines that S3 would log of the uses of a bench's grants, for each round those of another time. */
import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { issuedEvent, s3Line } from '../packages/server/src/correlation/testing/s3-log.ts'

export interface Log {
  file: string
  lines: number
}

/** Long enough for V8 to have compiled, most of the time, what is called for each. */
const linesInLog = 150_000
/** Of what is kept as well, and of the log that is sparse. */
const linesInShortLog = 50_000

/** Of each round, in this folder. */
export function logsOf(folder: string, round: number): Record<'usual' | 'short' | 'sparse', Log> {
  const log = (name: string, lines: number) => ({ file: join(folder, `${name}-${round}.log`), lines })
  return {
    usual: log('usual', linesInLog),
    short: log('short', linesInShortLog),
    sparse: log('sparse', linesInShortLog),
  }
}

/** In a process of its own: what it takes is none of the matcher's. */
export async function writeLogs(folder: string, grants: number, rounds: number): Promise<void> {
  const args = [import.meta.filename, folder, String(grants), String(rounds)]
  await promisify(execFile)(process.execPath, args)
}

/** The part of the trail that a log tells of. */
interface LogSpan {
  round: number
  rounds: number
  grants: number
  lines: number
}

/** Of URLs that were never used, and of those in use the ones that are used once more. */
const unusedShare = 0.2
const againShare = 0.2
const meanWaitMs = 30_000

/** What a bucket in use logs: four of five URLs, some more than once, half a minute after they were asked for, in the order of use. */
function* usualLog({ round, rounds, grants, lines }: LogSpan): Generator<string> {
  const random = randomFrom(round)
  const uses: { grant: number; afterMs: number }[] = []
  for (let grant = Math.floor((grants / rounds) * round); uses.length < lines; grant += 1) {
    if (grant >= grants) throw new Error(`${grants} grants are too few for ${rounds} logs of ${lines} lines`)
    if (random() < unusedShare) continue
    do uses.push({ grant, afterMs: Math.floor(-Math.log(1 - random()) * meanWaitMs) })
    while (random() < againShare)
  }
  const inOrder = uses.slice(0, lines).map((use) => {
    const event = issuedEvent(use.grant)
    return { ...use, event, at: Date.parse(event.at) + use.afterMs }
  })
  inOrder.sort((left, right) => left.at - right.at)
  for (const [index, { event, afterMs }] of inOrder.entries())
    yield `${s3Line(event, { requestId: `R${round}X${index}`, afterMs })}\n`
}

/** The worst there is: a few of many grants, each once, so that nearly every event stands on a page of its own. */
function* sparseLog({ round, rounds, grants, lines }: LogSpan): Generator<string> {
  const random = randomFrom(round)
  const span = grants / rounds
  for (let index = 0; index < lines; index += 1) {
    const grant = Math.floor((round + (index + random()) / lines) * span)
    yield `${s3Line(issuedEvent(grant), { requestId: `S${round}X${index}` })}\n`
  }
}

/** The same in every run. */
function randomFrom(round: number): () => number {
  let state = 12_345 + round
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
}

if (import.meta.main) {
  const [, , folder = '', grants, count] = process.argv
  const rounds = Number(count)
  for (let round = 0; round < rounds; round += 1) {
    const { usual, short, sparse } = logsOf(folder, round)
    const span = { round, rounds, grants: Number(grants) }
    await writeFile(usual.file, usualLog({ ...span, lines: usual.lines }))
    await writeFile(short.file, usualLog({ ...span, lines: short.lines }))
    await writeFile(sparse.file, sparseLog({ ...span, lines: sparse.lines }))
  }
}
