import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { CallInput } from '@signpost/contract'
import { createSignpost, type Signpost } from '@signpost/sdk/node'
import { freshEnvironment, startServer, untilPrinted, type ServerProcess } from './server-process.ts'

export type ConnectorInput = CallInput<'createConnector'>['body']['settings']

export interface VisionTeam {
  server: ServerProcess
  admin: Signpost
  member: Signpost
  adminToken: string
  client: (token: string) => Signpost
}

/** A server with the team `vision` on the connector `store` (below the prefix), and demo-user as its member. */
export async function openVisionTeam(
  t: TestContext,
  settings: ConnectorInput,
  { prefix, env: more = {} }: { prefix?: string; env?: Record<string, string> } = {},
): Promise<VisionTeam> {
  const env: Record<string, string> = { ...(await freshEnvironment(t)), ...more }
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const tokenIn = (file: string) => readFileSync(join(env['SIGNPOST_DATA_DIR'] ?? '', file), 'utf8').trim()
  const client = (token: string) => {
    const signpost = createSignpost({ url: server.url, token })
    t.after(() => signpost.close())
    return signpost
  }
  const adminToken = tokenIn('admin-token')
  const [admin, member] = [client(adminToken), client(tokenIn('demo-token'))]
  await admin.call('createConnector', { body: { settings } })
  await admin.call('createTeam', {
    body: { name: 'vision', connector: 'store', ...(prefix === undefined ? {} : { prefix }) },
  })
  await admin.call('setMember', {
    params: { team: 'vision', username: 'demo-user' },
    body: { role: 'member' },
  })
  return { server, admin, member, adminToken, client }
}
