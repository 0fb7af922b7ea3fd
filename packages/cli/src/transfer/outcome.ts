/** What became of one file. `from` and `to` are as the user would write them. */
export type Outcome = { from: string; to: string } & (
  | { status: 'done'; sizeBytes: number; resumedBytes?: number }
  | { status: 'skipped'; reason: string }
  | { status: 'failed'; error: unknown }
)

/** What a failed upload is: with `--no-clobber`, what is there already is no failure. */
export function failureOf(names: { from: string; to: string }, error: unknown, clobber: boolean): Outcome {
  const isThere = isThereAlready(error)
  return isThere && !clobber
    ? { ...names, status: 'skipped', reason: 'it is there already' }
    : { ...names, status: 'failed', error }
}

/** One PUT says `already_exists`, an upload in parts `conflict`. */
export function isThereAlready(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return code === 'already_exists' || code === 'conflict'
}

export interface Progress {
  transferredBytes: number
  totalBytes: number | null
}

export interface Reporter {
  /** A file is known, and will be sent; `sizeBytes` is null while it is not known. */
  expect(sizeBytes: number | null): void
  progress(file: object, progress: Progress): void
  report(outcome: Outcome): void
  /** After the last outcome, or when `error` has ended all; answers the exit code of the outcomes. */
  finish(error?: unknown): number
}
