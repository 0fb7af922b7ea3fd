import { CommanderError } from 'commander'
import type { Run } from './context.ts'
import { reportOf, sentenceOf } from './errors.ts'
import { exitCodeOf, exitCodes } from './exit-codes.ts'
import type { Io } from './io.ts'
import { createProgram } from './program.ts'

/** Runs one command line to its end; answers the exit code. Errors are said here, and nowhere else. */
export async function runProgram(args: readonly string[], io: Io): Promise<number> {
  const run: Run = { io, exitCode: exitCodes.ok, json: args.includes('--json') }
  try {
    await createProgram(run).parseAsync(args, { from: 'user' })
    return run.exitCode
  } catch (thrown) {
    // What Node breaks off does not say for whom.
    const isBrokenOff = io.signal.aborted && thrown instanceof Error && thrown.name === 'AbortError'
    const error: unknown = isBrokenOff ? io.signal.reason : thrown
    // Commander has said it already, or has shown the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage
    if (args.includes('--json')) io.stderr.write(`${JSON.stringify({ error: reportOf(error) })}\n`)
    else io.stderr.write(`signpost: ${sentenceOf(error)}\n`)
    return exitCodeOf(error)
  }
}
