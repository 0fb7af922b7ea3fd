/** What became of one file. `from` and `to` are as the user would write them. */
export type Outcome = { from: string; to: string } & (
  | { status: 'done'; sizeBytes: number; resumedBytes?: number }
  | { status: 'skipped'; reason: string }
  | { status: 'failed'; error: unknown }
)

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
