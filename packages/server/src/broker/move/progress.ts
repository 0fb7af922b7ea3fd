/** How far a move is, as it stands in its row: what a process that takes it over goes on from. */
export interface Progress {
  objectsCopied: number
  bytesCopied: number
  /** Of the newest pass over the old place that went further than any before. */
  objectsSeen: number
  /** Why it stands still, or failed. */
  problem: string | null
  /** Passes that are through. */
  passes: number
  /** In this pass: objects looked at, those that were not covered, those that could not be covered. */
  seen: number
  changed: number
  left: number
  /** How many were not covered in the pass before; null: there was none. */
  changedBefore: number | null
  /** Where this pass stands: the store's cursor of the next page, and the last key of the one before. */
  cursor: string | null
  after: string
  /** ms since the epoch */
  passBeganAt: number
  nextPassAt: number
}

export const noProgress: Progress = {
  objectsCopied: 0,
  bytesCopied: 0,
  objectsSeen: 0,
  problem: null,
  passes: 0,
  seen: 0,
  changed: 0,
  left: 0,
  changedBefore: null,
  cursor: null,
  after: '',
  passBeganAt: 0,
  nextPassAt: 0,
}

export function readProgress(text: string): Progress {
  return { ...noProgress, ...(JSON.parse(text) as Partial<Progress>) }
}

/** What the next pass begins with. */
export function nextPass(done: Progress): Progress {
  return {
    ...done,
    passes: done.passes + 1,
    changedBefore: done.changed,
    seen: 0,
    changed: 0,
    left: 0,
    cursor: null,
    after: '',
    passBeganAt: 0,
  }
}
