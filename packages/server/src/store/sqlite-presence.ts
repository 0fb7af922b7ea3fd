/**
 * Is the database still where it was opened? A file that was removed goes on taking writes without an error, and they are
 * gone when the process ends: the record would only seem to be on the disk.
 */
import { statSync } from 'node:fs'

const checkEveryMs = 1000

export interface Presence {
  /** Why nothing may be written; undefined: all is well. As the last check found it. */
  lost(): Error | undefined
  /** Looks now, not only once a second. */
  check(): Error | undefined
  stop(): void
}

/** Watches the database and its write-ahead log, which must be there. `onLost` is called each time when they are found gone. */
export function watchPresence(file: string, onLost: (error: Error) => void): Presence {
  const watched = [file, `${file}-wal`].map((path) => ({ path, opened: identityOf(path) }))
  let lost: Error | undefined
  const check = () => {
    const gone = watched.find(({ path, opened }) => identityOf(path) !== opened)
    const before = lost
    lost =
      gone &&
      new Error(
        `${gone.path} is gone, or another file is in its place: nothing can be recorded, so nothing is issued. ` +
          'Put the data folder back, or stop this server and start it again.',
      )
    if (lost && !before) onLost(lost)
    return lost
  }
  const timer = setInterval(check, checkEveryMs).unref()
  return { lost: () => lost, check, stop: () => clearInterval(timer) }
}

/** The same file, or another one of the same name? Undefined: there is none, or it cannot be seen. */
function identityOf(path: string): string | undefined {
  try {
    const found = statSync(path, { throwIfNoEntry: false })
    return found && `${found.dev}:${found.ino}`
  } catch {
    return undefined
  }
}
