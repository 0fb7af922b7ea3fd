import type { Verification } from '@signpost/contract'

/** Runs a look, or joins the one that runs for the same grant. */
export type Looks = (grantId: string, look: () => Promise<Verification>) => Promise<Verification>

export function createLooks(): Looks {
  const running = new Map<string, Promise<Verification>>()
  return (grantId, look) => {
    let found = running.get(grantId)
    if (!found) {
      found = look().finally(() => running.delete(grantId))
      running.set(grantId, found)
    }
    return found
  }
}
