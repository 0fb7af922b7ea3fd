import type { Command } from 'commander'
import type { AuditExpiry, AuditVerification } from '@signpost/contract'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { examples } from '../examples.ts'
import { exitCodes } from '../exit-codes.ts'
import { printableLine } from '../text.ts'
import type { ExportVerification } from '../verify-export.ts'

interface VerifyOptions {
  export?: string
  publicKey?: string
  checkpoints?: string
}

export function addVerify(audit: Command, run: Run): void {
  audit
    .command('verify')
    .description(
      'check the hash chains and signed checkpoints of all audit events, on the server or of an export',
    )
    .option('--export <file>', 'a whole export (without filters) on this machine; asks no server')
    .option('--public-key <key>', 'the key of its checkpoints, as `signpost audit public-key` prints it')
    .option('--checkpoints <file>', 'checkpoints that were kept elsewhere, older than the export')
    .addHelpText(
      'after',
      examples(
        'signpost audit verify',
        'signpost audit verify --export audit.ndjson --public-key "$(cat audit.pub)" --checkpoints kept.txt',
      ),
    )
    .action(handler(run, (context, _: [], options: VerifyOptions) => verify(context, options)))
}

async function verify(context: Context, options: VerifyOptions): Promise<number> {
  const { export: file, publicKey, checkpoints } = options
  if (file === undefined && (publicKey !== undefined || checkpoints !== undefined))
    throw new UsageError('--public-key and --checkpoints are for --export: the server knows its own')
  const result: ExportVerification =
    file === undefined
      ? await verifyOnServer(context)
      : await verifyFile({ ...options, export: file }, context.signal)
  if (context.json) context.printJson(result)
  else for (const line of linesOf(result)) context.print(line)
  if (file !== undefined && publicKey === undefined)
    context.note('Only the hash chains were checked: give --public-key to check the signed checkpoints.')
  const { keptUntil, checkpoints: signed } = result
  if (keptUntil !== undefined && keptUntil < (signed?.last?.number ?? 0))
    context.note(
      `${checkpoints} ends with checkpoint ${keptUntil}, the export tells of ${signed?.last?.number}: those were signed since, or the end of the file was cut off.`,
    )
  return result.ok ? exitCodes.ok : exitCodes.failed
}

function linesOf(result: ExportVerification): string[] {
  const { ok, events, chains, firstBad, checkpoints } = result
  const lines = []
  if (firstBad)
    lines.push(
      `not ok: event ${firstBad.seq} of chain ${printableLine(firstBad.chain)}: ${printableLine(firstBad.problem)}`,
    )
  const bad = checkpoints?.firstBad
  if (bad) lines.push(`not ok: checkpoint ${bad.number}: ${printableLine(bad.problem)}`)
  if (!ok) return [...lines, ...expiryLines(result)]
  const all = `ok: ${events} events in ${chains} ${chains === 1 ? 'chain' : 'chains'}`
  if (!checkpoints?.last) return [all, ...removedLines(result)]
  const { last, uncoveredEvents } = checkpoints
  const signed = `signed up to checkpoint ${last.number} of ${last.at}; ${uncoveredEvents} after it`
  return [`${all}, ${signed}`, ...removedLines(result)]
}

function removedLines(result: ExportVerification): string[] {
  const { expiredEvents, erasedEvents, pseudonymisedEvents } = result
  return [
    ...(expiredEvents ? [`expired before them, by record: ${expiredEvents} events`] : []),
    ...expiryLines(result),
    ...(erasedEvents ? [`erased, by record: the texts of ${erasedEvents} events; their hashes stay`] : []),
    ...(pseudonymisedEvents
      ? [
          `pseudonymised: ${pseudonymisedEvents} events: places and hashes were compared, what they say cannot be verified`,
        ]
      : []),
  ]
}

/** More of them are for a program (`--json`). */
const expiriesMax = 50

/** Who took away what: whoever knows of a policy of another kind sees it here. */
function expiryLines({ expiries = [] }: ExportVerification): string[] {
  const shown = expiries.slice(0, expiriesMax).map(({ chain, seq, at, by, events, beginnings, problem }) => {
    const what = beginnings.map((one) => `chain ${one.chain} to ${one.throughSeq} (${provenBy(one)})`)
    const who = by === null ? 'the server, by policy' : by
    const place = `event ${seq} of chain ${chain}`
    const line = `  ${problem === null ? '' : 'FORGED '}${at}  ${who}: ${events ?? '?'} events, ${what.join(', ')}; ${place}`
    return printableLine(line)
  })
  const more = expiries.length - shown.length
  return more > 0 ? [...shown, `  and ${more} more: --json`] : shown
}

function provenBy({ checkpoint }: AuditExpiry['beginnings'][number]): string {
  return checkpoint === null ? 'no checkpoint known' : `checkpoint ${checkpoint}`
}

async function verifyOnServer(context: Context): Promise<AuditVerification> {
  const client = await context.connect()
  return client.call('verifyAuditEvents', {}, { signal: context.signal })
}

async function verifyFile(
  asked: VerifyOptions & { export: string },
  signal: AbortSignal,
): Promise<ExportVerification> {
  const { verifyExport } = await import('../verify-export.ts')
  return verifyExport(asked, signal)
}
