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
  /** What a later run need not move again. */
  keptBytes: number
  /** Of these, what an earlier run had moved. */
  resumedBytes: number
}

/** A file that is under way; `path` is what is said of it. */
export interface MovingFile {
  path: string
}

/** How far all is at some moment: what is safe, as `231 MiB of 1.1 GiB`. */
export interface Standing {
  text: string
  files: number
}

export interface Reporter {
  /** A file is known, and will be moved; `sizeBytes` is null until its progress tells. */
  expect(sizeBytes: number | null, file: MovingFile): void
  progress(file: MovingFile, progress: Progress): void
  /** `file`: as it was given to `progress`. */
  report(outcome: Outcome, file?: MovingFile): void
  /** Undefined: nothing is safe yet. */
  standing(): Standing | undefined
  /** After the last outcome, or when `error` has ended all; answers the exit code of the outcomes. */
  finish(error?: unknown): number
}
