/** A team on a bucket behind a proxy that remembers what came, and clients that follow redirects. */
import { execFile, type ExecFileException } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createSignpost, type NodeSignpost } from '@signpost/sdk/node'
import type { Store } from './move/stores.ts'
import { freshEnvironment, startServer, untilPrinted, type ServerProcess } from './server-process.ts'

export interface Seen {
  method: string
  path: string
  headers: IncomingHttpHeaders
  status: number
}

export interface RedirectWorld {
  server: ServerProcess
  /** By another host name than the bucket's, as it is wherever the two are not one machine. */
  url: string
  token: string
  adminToken: string
  admin: NodeSignpost
  member: NodeSignpost
  /** What came to the bucket by signed URLs. */
  seen: Seen[]
  folder: string
  data: Buffer
}

export async function openRedirectWorld(t: TestContext, store: Store): Promise<RedirectWorld> {
  const env: Record<string, string> = {
    ...(await freshEnvironment(t)),
    ...store.env,
    SIGNPOST_LOG_LEVEL: 'debug',
    SIGNPOST_RATE_LIMIT_PER_MINUTE: '0',
  }
  const settings = store.settings('store')
  const target = settings.kind === 's3' ? settings.endpoint : undefined
  const { url: endpoint, seen } = await rememberingProxy(t, target ?? '')
  const server = await startServer(t, env)
  await untilPrinted(server, 'Ctrl-C')
  const tokenIn = (file: string) => readFileSync(join(env['SIGNPOST_DATA_DIR'] ?? '', file), 'utf8').trim()
  const client = (token: string) => {
    const signpost = createSignpost({ url: server.url, token })
    t.after(() => signpost.close())
    return signpost
  }
  const [adminToken, token] = [tokenIn('admin-token'), tokenIn('demo-token')]
  const [admin, member] = [client(adminToken), client(token)]
  await admin.call('createConnector', { body: { settings: { ...settings, endpoint } as never } })
  await admin.call('createTeam', { body: { name: 'vision', connector: 'store' } })
  await admin.call('setMember', {
    params: { team: 'vision', username: 'demo-user' },
    body: { role: 'member' },
  })
  const data = randomBytes(300_000)
  await member.upload('sp://vision/data/a b+c%2F&ü.bin', data)
  await member.upload('sp://vision/data/deep/one.txt', Buffer.from('one'))
  const folder = mkdtempSync(join(tmpdir(), 'signpost-redirect-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  seen.length = 0
  const url = server.url.replace('127.0.0.1', 'localhost')
  return { server, url, token, adminToken, admin, member, seen, folder, data }
}

/** Passes everything on as it came. */
async function rememberingProxy(t: TestContext, target: string): Promise<{ url: string; seen: Seen[] }> {
  const seen: Seen[] = []
  const proxy = createServer((request, response) => {
    const { method = '', url = '', headers } = request
    const onward = httpRequest(new URL(url, target), { method, headers, path: url }, (answer) => {
      if (url.includes('X-Amz-Signature='))
        seen.push({ method, path: url.split('?', 1)[0]!, headers, status: answer.statusCode ?? 0 })
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders)
      answer.pipe(response)
    })
    onward.on('error', () => response.destroy())
    request.pipe(onward)
  })
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    proxy.closeAllConnections()
    proxy.close()
  })
  return { url: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, seen }
}

const ofCaller = /^(SIGNPOST_|NODE_TEST|RCLONE_|.*_proxy$)/i

export interface Finished {
  code: number
  stdout: Buffer
  stderr: string
}

/** A client as a process of its own, with no settings of the caller's. */
export function runClient(
  folder: string,
  program: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<Finished> {
  const options = {
    cwd: folder,
    env: {
      ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofCaller.test(name))),
      NETRC: join(folder, '.netrc'),
      RCLONE_CONFIG: join(folder, 'rclone.conf'),
      ...env,
    },
    encoding: 'buffer' as const,
    timeout: 180_000,
    maxBuffer: 64 * 2 ** 20,
  }
  return new Promise((resolve) => {
    execFile(program, args, options, (error: ExecFileException | null, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1
      resolve({ code, stdout, stderr: stderr.toString() })
    })
  })
}

export function writeNetrc(folder: string, token: string): void {
  writeFileSync(join(folder, '.netrc'), `machine localhost login signpost password ${token}\n`, {
    mode: 0o600,
  })
}
