import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

/** Whether a process runs. One that has ended but was not yet collected by its parent (a zombie) does not. */
export function runs(pid: number): boolean {
  try {
    process.kill(pid, 0)
    if (process.platform !== 'linux') return true
    // proc_pid_stat(5): the state is the field after the name, which stands in parentheses and may hold anything.
    return !/^\d+ \(.*\) Z /s.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** Those of the processes that still run after at most `timeoutMs` (a minute unless told). */
export async function stillRunning(pids: readonly number[], timeoutMs = 60_000): Promise<number[]> {
  const deadline = Date.now() + timeoutMs
  while (pids.some(runs) && Date.now() < deadline) await sleep(20)
  return pids.filter(runs)
}
