import { readFile, rename, rm, stat, writeFile } from 'node:fs/promises'

/** What stands beside a `.part` file: of which object it is, and which of its ranges are whole. */
export interface PartialState {
  etag: string | null
  sizeBytes: number
  rangeBytes: number
  /** Starts of the ranges that are whole. */
  done: number[]
}

const stateFile = (path: string) => `${path}.part.json`

/** Undefined where there is nothing to go on with. */
export async function readPartialState(path: string): Promise<PartialState | undefined> {
  try {
    const [text] = await Promise.all([readFile(stateFile(path), 'utf8'), stat(`${path}.part`)])
    const state = JSON.parse(text) as Partial<PartialState>
    const isWhole =
      typeof state.etag === 'string' &&
      Number.isSafeInteger(state.sizeBytes) &&
      Number.isSafeInteger(state.rangeBytes) &&
      (state.rangeBytes ?? 0) > 0 &&
      Array.isArray(state.done)
    return isWhole ? (state as PartialState) : undefined
  } catch {
    return undefined
  }
}

/** Takes the old state's place in one step. One at a time for one path. */
export async function savePartialState(path: string, state: PartialState): Promise<void> {
  const fresh = `${stateFile(path)}.new`
  await writeFile(fresh, JSON.stringify(state))
  await rename(fresh, stateFile(path))
}

export async function removePartialState(path: string): Promise<void> {
  await rm(stateFile(path), { force: true })
}
