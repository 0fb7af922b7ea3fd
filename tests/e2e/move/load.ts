/** Writers, deleters and readers that know what they were told, and notice each answer that contradicts it. */
import { randomBytes } from 'node:crypto'
import { SignpostError, type IssuedUrl } from '@signpost/contract'
import type { Signpost } from '@signpost/sdk/node'

/** What an object held from its write until the next one; null: nothing. */
interface State {
  value: string | null
  /** When the write began, and when it was told to be done; Infinity: nobody knows whether it was. */
  begun: number
  done: number
}

export interface Load {
  /** Answers that no order of the writes explains. */
  wrong: string[]
  counts: {
    writes: number
    lateWrites: number
    deletes: number
    reads: number
    lists: number
    refused: number
  }
  /** From now on URLs from the beginning are used too, where there are. */
  useLateUrls(): void
  /** From now on they are not. */
  forgetLateUrls(): void
  stop(): Promise<void>
  /** What each key holds in the end, compared with what is read and listed. */
  compare(): Promise<void>
}

export async function startLoad(
  client: () => Signpost,
  team: string,
  { keys, readers }: { keys: number; readers: number },
): Promise<Load> {
  const wrong: string[] = []
  const counts = { writes: 0, lateWrites: 0, deletes: 0, reads: 0, lists: 0, refused: 0 }
  const history = new Map<string, State[]>()
  let isOver = false
  let areLate = false
  const late = new Map<string, IssuedUrl[]>()
  const names = Array.from({ length: keys }, (_, index) => `some/key ${String(index).padStart(3, '0')}.txt`)

  const change = async (key: string, value: string | null, work: () => Promise<void>) => {
    const state: State = { value, begun: performance.now(), done: Number.POSITIVE_INFINITY }
    history.get(key)!.push(state)
    await work()
    state.done = performance.now()
  }
  /** All that a look between `from` and `to` may find. */
  const possible = (key: string, from: number, to: number): (string | null)[] => {
    const states = history.get(key)!
    const lastDone = states.findLastIndex(({ done }) => done <= from)
    return states.filter(({ begun }, index) => index >= lastDone && begun <= to).map(({ value }) => value)
  }
  const write = async (key: string, issued?: IssuedUrl) => {
    const url = issued ?? (await client().url(team, { action: 'write', key }))
    const value = `${key} ${randomBytes(40).toString('hex')}`
    await change(key, value, async () => {
      const answer = await fetch(url.url, { method: url.method, headers: url.headers, body: value })
      await answer.arrayBuffer()
      if (!url.successStatuses.includes(answer.status)) throw new Error(`PUT: ${answer.status}`)
    })
  }
  const read = async (key: string) => {
    const from = performance.now()
    const url = await client().url(team, { action: 'read', key })
    const answer = await fetch(url.url, { headers: url.headers })
    const text = await answer.text()
    const found = answer.status === 404 ? null : text
    if (found !== null && answer.status !== 200) throw new Error(`GET: ${answer.status}`)
    const expected = possible(key, from, performance.now())
    const short = (value: string | null) => value?.slice(-8) ?? 'nothing'
    if (!expected.includes(found))
      wrong.push(
        `read ${key} at ${new URL(url.url).pathname}: ${short(found)}, not ${expected.map(short).join(' or ')}`,
      )
    counts.reads += 1
  }
  const list = async () => {
    const from = performance.now()
    const found = new Set<string>()
    for await (const entry of client().list(team, { prefix: 'some/' }))
      if ('key' in entry) found.add(entry.key)
    const to = performance.now()
    for (const key of names) {
      const expected = possible(key, from, to).map((value) => value !== null)
      if (!expected.includes(found.has(key)))
        wrong.push(`list: ${key} is ${found.has(key) ? 'there' : 'not there'}`)
    }
    counts.lists += 1
  }
  const oneOf = <T>(all: readonly T[]) => all[Math.floor(Math.random() * all.length)]!
  const writer = async (own: readonly string[]) => {
    while (!isOver) {
      const key = oneOf(own)
      const chance = Math.random()
      await tolerate(async () => {
        const held = areLate && chance < 0.4 ? late.get(key)?.pop() : undefined
        if (held) {
          await write(key, held)
          counts.lateWrites += 1
        } else if (chance < 0.8) {
          await write(key)
          counts.writes += 1
        } else if (chance < 0.9) {
          await change(key, null, async () => client().remove({ team, key }))
          counts.deletes += 1
        } else {
          const url = await client().url(team, { action: 'write', method: 'DELETE', key })
          await change(key, null, async () => {
            const answer = await fetch(url.url, { method: 'DELETE', headers: url.headers })
            await answer.arrayBuffer()
          })
          counts.deletes += 1
        }
      })
    }
  }
  const reader = async () => {
    while (!isOver) await tolerate(async () => (Math.random() < 0.05 ? list() : read(oneOf(names))))
  }
  /** The server may be away: it is asked again. What a store answers is not excused. */
  const tolerate = async (work: () => Promise<void>) => {
    try {
      await work()
    } catch (error) {
      // A listing over the switch says that it must begin anew.
      const isPassing =
        error instanceof SignpostError
          ? error.code === 'conflict'
          : /TransferError|network/i.test(String((error as Error).name))
      if (!isPassing) wrong.push(String(error))
      counts.refused += 1
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  for (const key of names) {
    history.set(key, [{ value: null, begun: 0, done: 0 }])
    await write(key)
    late.set(key, await Promise.all([0, 1, 2].map(async () => client().url(team, { action: 'write', key }))))
  }
  const writers = 4
  const running = [
    ...Array.from({ length: writers }, async (_, index) =>
      writer(names.filter((_name, at) => at % writers === index)),
    ),
    ...Array.from({ length: readers }, reader),
  ]
  return {
    wrong,
    counts,
    useLateUrls: () => void (areLate = true),
    forgetLateUrls: () => void (areLate = false),
    async stop() {
      isOver = true
      await Promise.all(running)
    },
    async compare() {
      for (const key of names) await read(key)
      await list()
    },
  }
}
