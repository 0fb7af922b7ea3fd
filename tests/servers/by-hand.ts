import type { Stoppable } from './daemon.ts'

/** Lines of environment that a person can paste into a shell, and how to stop. */
export type ByHand = Stoppable & Readonly<Record<string, string | Stoppable['stop']>>

/** For a server module run as a program: starts it, prints its environment, stops it on Ctrl-C or SIGTERM. */
export async function runByHand(start: () => Promise<ByHand>): Promise<void> {
  const { stop, ...env } = await start()
  for (const [name, value] of Object.entries(env)) console.log(`export ${name}='${String(value)}'`)
  console.error('Running. Ctrl-C stops it.')
  // The daemon does not keep the event loop alive; this timer does, until a signal comes.
  const alive = setInterval(() => {}, 2 ** 30)
  const end = () => {
    clearInterval(alive)
    void stop()
  }
  process.once('SIGINT', end)
  process.once('SIGTERM', end)
}
