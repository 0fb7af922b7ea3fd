import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'

/**
 * The first line of a server's log that fits. RGW and Azurite write a line after they have sent the answer, so a test waits for it,
 * at most `timeoutMs` (a minute unless told).
 */
export async function waitForLine(file: string, pattern: RegExp, timeoutMs = 60_000): Promise<string> {
  const deadline = Date.now() + timeoutMs
  for (;;) {
    // What stands behind the last line break may be half a line.
    const lines = (await readFile(file, 'utf8')).split('\n').slice(0, -1)
    const found = lines.find((line) => pattern.test(line))
    if (found !== undefined) return found
    if (Date.now() >= deadline) throw new Error(`no line of ${file} fits ${pattern} after ${timeoutMs} ms`)
    await sleep(20)
  }
}
