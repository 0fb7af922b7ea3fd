/** Runs a look, or joins the one of the same name that runs. */
export type Looks = <T>(name: string, look: () => Promise<T>) => Promise<T>

export function createLooks(): Looks {
  const running = new Map<string, Promise<unknown>>()
  return <T>(name: string, look: () => Promise<T>) => {
    let found = running.get(name) as Promise<T> | undefined
    if (!found) {
      found = look().finally(() => running.delete(name))
      running.set(name, found)
    }
    return found
  }
}
