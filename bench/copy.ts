/**
 * `signpost cp` against rclone and the AWS CLI, each with its best-known concurrency: one large file and many small ones,
 * to and from Ceph's gateway on this machine. Wall time; the copies are compared by size. `node bench/copy.ts`
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3'
import { availableServers } from '../tests/servers/install.ts'
import { startRgw, type Rgw } from '../tests/servers/rgw.ts'
import { compare, printRows, type BenchRow } from './bench.ts'
import { environmentWithout, root } from './processes.ts'
import { startServer, type BenchServer } from './server.ts'

const rounds = 3
const gibibyte = 2 ** 30
const large = { name: 'one file of 2 GiB', bytes: 2 * gibibyte, files: 1 }
const small = { name: '5,000 files of 64 KiB', bytes: 64 * 1024, files: 5000 }
const bucket = 'bench'
const team = 'bench'

interface Tool {
  name: string
  env: Record<string, string>
  up(source: string, key: string, isFolder: boolean): string[]
  down(key: string, target: string, isFolder: boolean): string[]
}

export async function benchCopy(): Promise<BenchRow[]> {
  const there = availableServers()
  const absent = (['rgw', 'rclone', 'awscli'] as const).filter((name) => !there.includes(name))
  if (absent.length > 0) {
    console.log(`not on this machine: ${absent.join(', ')} (node tests/servers/install.ts --bench)`)
    return []
  }
  const folder = mkdtempSync(join(tmpdir(), 'signpost-bench-copy-'))
  const rgw = await startRgw({ sizeBytes: 10 * gibibyte })
  const server = await startServer({ pin: 'none' })
  try {
    await makeBucket(rgw)
    const token = await connect(server, rgw)
    const tools = [signpost(server, token), rclone(rgw), awsCli(rgw, folder)]
    const rows: BenchRow[] = []
    for (const work of [large, small]) rows.push(...(await benchWork(tools, work, folder)))
    return rows
  } finally {
    await server.stop()
    await rgw.stop()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function benchWork(tools: readonly Tool[], work: typeof large, folder: string): Promise<BenchRow[]> {
  const source = join(folder, 'source')
  makeFiles(source, work)
  const isFolder = work.files > 1
  const from = isFolder ? source : join(source, 'file-0')
  const rates = new Map<string, number[]>()
  const note = (name: string, seconds: number) =>
    rates.set(name, [...(rates.get(name) ?? []), (work.bytes * work.files) / 2 ** 20 / seconds])
  for (let round = 0; round < rounds; round++) {
    for (const tool of tools) {
      // The same keys each round: the store holds one copy of each tool's.
      const key = `${tool.name}/${isFolder ? 'small' : 'large'}`
      note(`${tool.name} up`, await run(tool, tool.up(from, key, isFolder)))
      const target = join(folder, 'target')
      note(
        `${tool.name} down`,
        await run(tool, tool.down(key, isFolder ? target : `${target}/file-0`, isFolder)),
      )
      requireSame(target, work)
      rmSync(target, { recursive: true })
    }
  }
  rmSync(source, { recursive: true })
  return ['up', 'down'].map((way) => {
    const [subject, ...others] = tools.map(({ name }) => `${name} ${way}`)
    const better = others.toSorted((a, b) => median(rates.get(b)!) - median(rates.get(a)!))[0]!
    return compare(rates, {
      name: `cp ${way}, ${work.name} / ${better.split(' ')[0]}`,
      unit: 'MiB/s',
      target: 1,
      subject: subject!,
      baseline: better,
    })
  })
}

const median = (values: readonly number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!

function signpost({ port }: BenchServer, token: string): Tool {
  const command = [process.execPath, 'packages/cli/bin/signpost.mjs', 'cp', '--quiet']
  const recursive = (isFolder: boolean) => (isFolder ? ['--recursive'] : [])
  return {
    name: 'signpost',
    env: { SIGNPOST_URL: `http://127.0.0.1:${port}`, SIGNPOST_TOKEN: token },
    up: (source, key, isFolder) => [...command, ...recursive(isFolder), source, `sp://${team}/${key}`],
    down: (key, target, isFolder) => [...command, ...recursive(isFolder), `sp://${team}/${key}`, target],
  }
}

function rclone({ endpoint, region, accessKeyId, secretAccessKey }: Rgw): Tool {
  const flags = ['--transfers=16', '--checkers=16', '--s3-upload-concurrency=8', '--s3-chunk-size=32M']
  const command = ['rclone', '--no-check-dest', '--multi-thread-streams=8', ...flags]
  const remote = (key: string) => `bench:${bucket}/${key}`
  const copy = (isFolder: boolean) => [...command, isFolder ? 'copy' : 'copyto']
  return {
    name: 'rclone',
    env: {
      RCLONE_CONFIG: '/dev/null',
      RCLONE_CONFIG_BENCH_TYPE: 's3',
      RCLONE_CONFIG_BENCH_PROVIDER: 'Ceph',
      RCLONE_CONFIG_BENCH_ENDPOINT: endpoint,
      RCLONE_CONFIG_BENCH_REGION: region,
      RCLONE_CONFIG_BENCH_ACCESS_KEY_ID: accessKeyId,
      RCLONE_CONFIG_BENCH_SECRET_ACCESS_KEY: secretAccessKey,
      RCLONE_CONFIG_BENCH_NO_CHECK_BUCKET: 'true',
    },
    up: (source, key, isFolder) => [...copy(isFolder), source, remote(key)],
    down: (key, target, isFolder) => [...copy(isFolder), remote(key), target],
  }
}

function awsCli({ endpoint, region, accessKeyId, secretAccessKey }: Rgw, folder: string): Tool {
  const config = join(folder, 'aws-config')
  writeFileSync(
    config,
    '[default]\ns3 =\n  max_concurrent_requests = 16\n  multipart_chunksize = 32MB\n  addressing_style = path\n',
  )
  const command = ['/usr/bin/aws', '--endpoint-url', endpoint, 's3', 'cp', '--only-show-errors']
  const recursive = (isFolder: boolean) => (isFolder ? ['--recursive'] : [])
  const remote = (key: string) => `s3://${bucket}/${key}`
  return {
    name: 'aws',
    env: {
      AWS_CONFIG_FILE: config,
      AWS_DEFAULT_REGION: region,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_EC2_METADATA_DISABLED: 'true',
    },
    up: (source, key, isFolder) => [...command, ...recursive(isFolder), source, remote(key)],
    down: (key, target, isFolder) => [...command, ...recursive(isFolder), remote(key), target],
  }
}

/** Answers the seconds it took. */
async function run({ name, env }: Tool, [command, ...args]: string[]): Promise<number> {
  const begun = performance.now()
  const child = spawn(command!, args, {
    cwd: root,
    env: { ...environmentWithout(/^(SIGNPOST_|AWS_|RCLONE_|https?_proxy|NODE_TEST)/i), ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk) => (errors += String(chunk)))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0) throw new Error(`${name} ended with ${code}: ${errors.slice(0, 2000)}`)
  return (performance.now() - begun) / 1000
}

function makeFiles(folder: string, { files, bytes }: typeof large): void {
  mkdirSync(folder)
  const block = Buffer.alloc(Math.min(bytes, 2 ** 26), 'what a store cannot make smaller, it has to keep')
  for (let file = 0; file < files; file++) {
    const path = join(folder, `file-${file}`)
    for (let written = 0; written < bytes; written += block.length) {
      block.writeUInt32LE(file, 0)
      writeFileSync(path, block, { flag: written === 0 ? 'w' : 'a' })
    }
  }
}

function requireSame(folder: string, { files, bytes }: typeof large): void {
  const found = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  )
  const wrong = found.filter((entry) => statSync(join(entry.parentPath, entry.name)).size !== bytes)
  if (found.length !== files || wrong.length > 0)
    throw new Error(`${found.length} files came back, ${wrong.length} of another size`)
}

async function makeBucket({ endpoint, region, accessKeyId, secretAccessKey }: Rgw): Promise<void> {
  const client = new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId, secretAccessKey },
  })
  await client.send(new CreateBucketCommand({ Bucket: bucket }))
  client.destroy()
}

/** Connects the bucket for a team of its own, and answers the API key of its one member. */
async function connect({ port, folder }: BenchServer, rgw: Rgw): Promise<string> {
  const admin = readFileSync(join(folder, 'data', 'admin-token'), 'utf8').trim()
  const call = async (method: string, path: string, body: object) => {
    const answer = await fetch(`http://127.0.0.1:${port}/v1${path}`, {
      method,
      headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path} answered ${answer.status}: ${text}`)
    return JSON.parse(text || '{}') as { token?: string }
  }
  const { endpoint, region, accessKeyId, secretAccessKey } = rgw
  const credential = { type: 'static', accessKeyId, secretAccessKey }
  const settings = { kind: 's3', name: 'rgw', bucket, endpoint, region, addressing: 'path', credential }
  await call('POST', '/connectors', { settings })
  await call('POST', '/teams', { name: team, connector: 'rgw' })
  await call('POST', '/users', { username: 'bench-user' })
  await call('PUT', `/teams/${team}/members/bench-user`, { role: 'member' })
  const { token } = await call('POST', '/api-keys', { username: 'bench-user', name: 'bench' })
  return token ?? ''
}

if (import.meta.main) printRows('Copying', await benchCopy())
