/** A team that was given its prefix at the very moment at which something else was put there: each looked before the other wrote. */
import { findTeam, updateTeam } from '../../store/teams.ts'
import type { World } from './world.ts'

export async function addLateTeam(world: World, name: string, prefix: string): Promise<void> {
  await world.call('createTeam', world.as.root, { body: { name, prefix: `${name}/` } })
  const { store } = world.deps
  const { id } = (await findTeam(store.db, name))!
  await store.commit({ statements: [updateTeam(store.db, id, { prefix })], events: [] })
}
