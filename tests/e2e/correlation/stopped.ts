/** URLs of those who were stopped: buckets take them until they end, and that is told. */
import { setTimeout as sleep } from 'node:timers/promises'
import { createSignpost } from '@signpost/sdk/node'
import { issue, type Work } from './honest.ts'
import { honestOutcome } from './notes.ts'
import type { World } from './world.ts'

interface Stopping {
  who: 'alice' | 'bob' | 'carol'
  team: 'red' | 'blue'
  stop: (work: Work) => Promise<unknown>
}

/** Of one person each, as the first of several is told. */
const stops: Record<string, Stopping> = {
  restricted: {
    who: 'carol',
    team: 'blue',
    stop: ({ world, person: { username }, team }) =>
      world.admin.call('createRestriction', { body: { username, team, reason: 'is looked into' } }),
  },
  user_deactivated: {
    who: 'bob',
    team: 'red',
    stop: ({ world, person: { username } }) =>
      world.admin.call('updateUser', { params: { username }, body: { active: false } }),
  },
}

/** Last of all: then they are stopped. */
export async function useStopped(world: World): Promise<void> {
  await byDeletedKey(world)
  for (const [reason, { who, team, stop }] of Object.entries(stops)) {
    const work = { world, person: world.people[who], team, folder: '' }
    const live = await issue(work, { action: 'read', key: `of ${who}/plain.bin` })
    await stop(work)
    await useLate(world, live, reason)
  }
}

async function byDeletedKey(world: World): Promise<void> {
  const { admin, server, holder } = world
  const made = await admin.call('createApiKey', { body: { name: 'to be deleted', username: 'alice' } })
  const client = createSignpost({ url: server.url, token: made.token ?? '' })
  const issued = await client.url('red', { action: 'read', key: 'of alice/plain.bin' })
  client.close()
  await admin.call('deleteApiKey', { params: { id: made.id } })
  await useLate(world, { issued, holder: holder('alice', 'red', issued) }, 'key_deleted')
}

async function useLate(
  { send, store }: World,
  { issued, holder }: Awaited<ReturnType<typeof issue>>,
  reason: string,
): Promise<void> {
  // Logs tell whole seconds. Where they tell the end, what ended within a minute may have begun before.
  await sleep(1100)
  const isSeen = store.tells.beginnings || store.later !== undefined
  store.later?.(61_000)
  const { method, url, headers } = issued
  const outcome = (status: number) =>
    isSeen ? { told: `after_revocation ${reason}`, isTheirs: true } : honestOutcome(store, holder, status)
  await send(`${holder.user} of ${holder.team}, ${reason}`, { method, url, headers }, outcome, holder)
}
