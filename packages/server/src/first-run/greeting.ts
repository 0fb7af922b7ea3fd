/** What the terminal shows at a start. */
import { existsSync } from 'node:fs'
import { join, relative } from 'node:path'
import type { Serving } from '../serve.ts'
import { createDemo, demoTokenFile } from './demo.ts'
import { adminTokenFile } from './first-admin.ts'
import { ownApi } from './own-api.ts'
import { markFinished } from './unfinished.ts'
import { walkOnce } from './walk.ts'

export interface Greeting {
  serving: Serving
  version: string
  /** The folder of the checkout, for a file to walk with. */
  root: string
  workingFolder: string
  /** Somebody sits before it: on a terminal only. A file or a container's log would keep the admin's key. */
  showKey: boolean
  print: (line: string) => void
  /** Aborted when the server stops. */
  stopping: AbortSignal
}

/**
 * On the start that made the first admin, and on the next if that one was cut short: team `demo`, the walk and the keys. Later:
 * where things are. Stopped in the middle, it leaves the rest to the next start.
 */
export async function greet(greeting: Greeting): Promise<void> {
  const { serving, version, print, stopping } = greeting
  print(`Signpost ${version}${firstWords(serving)}`)
  print('')
  try {
    if (serving.firstAdmin && serving.embedded) await showWalk(greeting, serving.firstAdmin.token)
  } catch (error) {
    // The walk asks this very server: stopped in the middle it fails, and nothing is wrong.
    if (stopping.aborted) return
    markFinished(serving.folder)
    if (!serving.firstAdmin?.isFromBefore) throw error
    print(`What was left of it failed, and is left: ${error instanceof Error ? error.message : ''}\n`)
  }
  const line = (word: string, text: string) => print(`${word.padEnd(13)}${text}`)
  line('Serving', `${serving.url}  (the API is described at ${serving.url}/docs)`)
  line('Data folder', serving.folder)
  showAdminKey(greeting, line)
  if (serving.embedded) showLinesToPaste(greeting)
  line('Stop', 'Ctrl-C')
  markFinished(serving.folder)
}

function firstWords({ firstAdmin }: Serving): string {
  if (!firstAdmin) return ''
  if (firstAdmin.isFromBefore) return ': the first start was cut short; this one goes on with it.'
  if (!firstAdmin.keysKept) return ': first start, everything is new.'
  return ': the database is new; the keys are those that the data folder held already.'
}

async function showWalk({ serving, root, print }: Greeting, adminToken: string): Promise<void> {
  const { app, embedded, folder, url } = serving
  if (!embedded) return
  const api = ownApi(url)
  const memberToken = await createDemo({ deps: app.deps, api }, adminToken, embedded, folder)
  const file = ['README.md', 'LICENSE', 'package.json'].find((name) => existsSync(join(root, name)))
  if (file === undefined) return
  print('The main job, once, over this server and its embedded store:')
  await walkOnce({
    api,
    memberToken,
    adminToken,
    file: join(root, file),
    accessLogFile: embedded.store.accessLogFile,
    print,
  })
  print('')
}

function showAdminKey({ serving, showKey }: Greeting, line: (word: string, text: string) => void): void {
  const { firstAdmin, folder } = serving
  const file = join(folder, adminTokenFile)
  if (showKey && firstAdmin && !firstAdmin.chosen) {
    line("Admin's key", firstAdmin.token)
    line('', `shown this once; kept in ${file} (mode 0600)`)
  } else if (existsSync(file)) line("Admin's key", `in ${file} (mode 0600)`)
}

function showLinesToPaste({ serving, workingFolder, print }: Greeting): void {
  const file = join(serving.folder, demoTokenFile)
  if (!existsSync(file)) return
  const near = relative(workingFolder, file)
  print('To try it, in another terminal:')
  print(`  export SIGNPOST_URL=${serving.url} SIGNPOST_TOKEN="$(cat ${near.startsWith('..') ? file : near})"`)
  print('  npx signpost cp README.md sp://demo/README.md && npx signpost ls sp://demo/')
}
