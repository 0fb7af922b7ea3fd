/** For tests: a connector `it`, whose store's log is a file on the server. */
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { createLogFolder } from '../../../connectors/log-folder.ts'
import { openLogWorld, type LogWorld } from '../../log-reading/testing/log-world.ts'

export const it = { params: { connector: 'it' } }

/** With a connector `it`, and its store's log as a file on the server. */
export async function worldWith(settings: object, logFile: string): Promise<LogWorld> {
  const world = await openLogWorld()
  Object.assign(world.deps, { logFolders: { given: createLogFolder(dirname(logFile)) } })
  await world.call('createConnector', world.as.root, {
    body: { settings: { name: 'it', marker: 'username', ...settings }, check: false },
  })
  return world
}

/** Reads the source until the access has arrived. */
export async function arrived(world: LogWorld, grantId: string) {
  for (let tries = 0; tries < 600; tries += 1) {
    await world.read('log', true)
    const found = await world.call('verifyLogging', world.as.root, { ...it, body: { grantId } })
    if (found.access?.finding) return found
    await sleep(100)
  }
  throw new Error('the access did not arrive')
}

export const plan = (world: LogWorld, body: object = {}) =>
  world.call('planLogging', world.as.root, { ...it, body })
export const addSource = (world: LogWorld, format: string, settings: object) =>
  world.call('createLogSource', world.as.root, {
    body: { name: 'log', connector: 'it', format, settings },
  })
