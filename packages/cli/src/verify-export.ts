import { hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { createChainVerifier, type AuditVerification, type ChainedAuditEvent } from '@signpost/contract'
import { UsageError } from './errors.ts'

/**
 * Checks the hash chains of a whole export without any server. Reads the file twice: what later chains say of earlier
 * ones must be known before.
 */
export async function verifyExport(file: string, signal: AbortSignal): Promise<AuditVerification> {
  if (file === '-') throw new UsageError('--file is read twice: give a file, not standard input')
  const openings: ChainedAuditEvent[] = []
  for await (const link of linksIn(file, signal)) if (link.event.type === 'chain.open') openings.push(link)
  const verifier = createChainVerifier((text) => hash('sha256', text, 'hex'), openings)
  for await (const link of linksIn(file, signal)) verifier.add(link)
  const { chains, events, problems } = verifier.finish()
  return { ok: problems.length === 0, chains, events, firstBad: problems[0] ?? null }
}

async function* linksIn(file: string, signal: AbortSignal): AsyncGenerator<ChainedAuditEvent, void, void> {
  let number = 0
  for await (const line of createInterface({
    input: createReadStream(file, { signal }),
    crlfDelay: Infinity,
  })) {
    number += 1
    if (line === '') continue
    yield linkOf(line, `${file}, line ${number}`)
  }
}

function linkOf(line: string, place: string): ChainedAuditEvent {
  try {
    const link = JSON.parse(line) as Partial<ChainedAuditEvent> | null
    const { chain, seq, hash: linkHash, event } = link ?? {}
    if (typeof chain === 'string' && typeof seq === 'number' && typeof linkHash === 'string' && event)
      return { chain, seq, hash: linkHash, event }
  } catch {
    // Said below: with its place, and without its content.
  }
  throw new Error(`${place}: it is no exported audit event`)
}
