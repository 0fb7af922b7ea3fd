import type { Context } from '../context.ts'
import { reportOf, sentenceOf } from '../errors.ts'
import { exitCodeOf, exitCodes } from '../exit-codes.ts'
import { Interrupted } from '../io.ts'
import { humanBytes, printableLine } from '../text.ts'
import type { Outcome, Reporter } from './outcome.ts'
import { openProgressBar } from './progress-bar.ts'
import { createTally } from './tally.ts'

export interface ReporterOptions {
  quiet: boolean
  /** Standard output carries the object itself. */
  stdoutIsData: boolean
}

/** Says what happens: a bar on a terminal, a line a file elsewhere, JSON lines with `--json`; failures always. */
export async function createReporter(context: Context, options: ReporterOptions): Promise<Reporter> {
  const { io, json } = context
  const showsBar = Boolean(io.stderr.isTTY) && !options.quiet && !json
  const showsLines = !options.quiet && !json && !options.stdoutIsData && !(showsBar && io.stdout.isTTY)
  const bar = showsBar ? await openProgressBar(io.stderr) : undefined
  const startedMs = performance.now()
  const tally = createTally()
  const unsized = new WeakSet<object>()
  const goingOn = new WeakSet<object>()
  const failureCodes = new Set<number>()
  let resumedBytes = 0

  function say(outcome: Outcome): void {
    const names = `${printableLine(outcome.from)} -> ${printableLine(outcome.to)}`
    if (outcome.status === 'done') {
      if (showsLines) context.print(`${names}  ${humanBytes(outcome.sizeBytes)}${resumedText(outcome)}`)
    } else if (outcome.status === 'skipped') {
      if (!options.quiet) write(`signpost: skipped ${names}: ${outcome.reason}`)
    } else write(`signpost: ${names}: ${sentenceOf(outcome.error)}`)
  }
  const write = (line: string) => (bar ? bar.above(line) : context.note(line))

  return {
    expect(sizeBytes, file) {
      if (sizeBytes === null) unsized.add(file)
      tally.expect(sizeBytes)
      bar?.expect(sizeBytes)
    },
    progress(file, progress) {
      if (progress.totalBytes !== null && unsized.delete(file)) {
        tally.grow(progress.totalBytes)
        bar?.grow(progress.totalBytes)
      }
      tally.progress(file, progress)
      if (progress.resumedBytes > 0 && !goingOn.has(file)) {
        goingOn.add(file)
        if (!options.quiet && !json)
          write(`signpost: ${printableLine(file.path)}: going on at ${humanBytes(progress.resumedBytes)}`)
      }
      bar?.progress(file, progress)
    },
    standing: tally.standing,
    report(reported, file) {
      const resumed = tally.over(file, reported)
      resumedBytes += resumed
      const outcome =
        reported.status === 'done' && resumed > 0 ? { ...reported, resumedBytes: resumed } : reported
      if (outcome.status === 'failed') failureCodes.add(exitCodeOf(outcome.error))
      bar?.count()
      if (!json) say(outcome)
      else if (!options.stdoutIsData) context.printJson(jsonOf(outcome))
      else if (outcome.status === 'failed') context.note(JSON.stringify(jsonOf(outcome)))
    },
    finish(error) {
      bar?.stop()
      const seconds = Math.round(performance.now() - startedMs) / 1000
      const { counts } = tally
      const bytes = tally.doneBytes()
      if (json && !options.stdoutIsData) {
        const ended = error === undefined ? {} : { error: reportOf(error) }
        context.printJson({ type: 'summary', ...counts, bytes, seconds, ...ended })
      }
      const files = counts.done + counts.skipped + counts.failed
      const showsSummary = bar !== undefined || (!options.quiet && !json && files > 1)
      // How far it is when it is broken off is said by who knows how to go on.
      if (showsSummary && !(error instanceof Interrupted))
        context.note(summaryLine(counts, bytes, bytes - resumedBytes, seconds))
      if (counts.failed === 0) return exitCodes.ok
      const [only, ...others] = failureCodes
      return only === undefined || others.length > 0 || counts.done > 0 ? exitCodes.failed : only
    },
  }
}

function resumedText(outcome: Outcome & { status: 'done' }): string {
  return outcome.resumedBytes ? ` (${humanBytes(outcome.resumedBytes)} were there already)` : ''
}

function jsonOf(outcome: Outcome): object {
  return outcome.status === 'failed'
    ? { type: 'file', ...outcome, error: reportOf(outcome.error) }
    : { type: 'file', ...outcome }
}

function summaryLine(
  counts: Readonly<Record<Outcome['status'], number>>,
  bytes: number,
  movedBytes: number,
  seconds: number,
): string {
  const { done, skipped, failed } = counts
  const rate = seconds > 0 ? `, ${humanBytes(movedBytes / seconds)}/s` : ''
  const rest = [skipped && `${skipped} skipped`, failed && `${failed} failed`].filter(Boolean)
  return [
    `${done} ${done === 1 ? 'file' : 'files'}, ${humanBytes(bytes)} in ${seconds.toFixed(1)} s${rate}`,
    ...rest,
  ].join('; ')
}
