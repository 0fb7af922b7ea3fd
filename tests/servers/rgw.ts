import { randomBytes, randomUUID } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runByHand } from './by-hand.ts'
import { dataFolder, findProgram, freePort, retrying, run, startDaemon, waitUntilUp } from './daemon.ts'
import type { DataFolder, Stoppable } from './daemon.ts'
import { requireServer } from './install.ts'

export interface RgwOptions {
  /** Also serve `BUCKET.dnsName` (virtual-hosted style), for example `localhost`. */
  dnsName?: string
  /** `memstore` (default) keeps objects in memory; `bluestore` in a sparse file, for objects of gigabytes. */
  store?: 'memstore' | 'bluestore'
  /** Room for objects; 4 GiB unless told. Taken as it is used, not at the start. */
  sizeBytes?: number
  /** Where the cluster lives; a new temporary folder unless told. Its path must have no blanks. */
  folder?: string
  /** A free port unless told. */
  port?: number
}

export interface Rgw extends Stoppable {
  /** `http://127.0.0.1:PORT`, path style. */
  endpoint: string
  region: string
  /** The first user's keys: it owns what it makes, and may manage users and roles. */
  accessKeyId: string
  secretAccessKey: string
  /** One `beast:` line a request, refused ones too, with the query string: live credentials, treat as a secret. */
  accessLogFile: string
  /** JSON lines; leaves out requests whose authentication failed. */
  opsLogFile: string
  /** `radosgw-admin` against this cluster, for example `admin(['user', 'create', '--uid=bob', '--display-name=bob'])`. */
  admin: (args: readonly string[]) => Promise<string>
  pids: readonly number[]
}

/** A single-node Ceph cluster with its S3 gateway (RADOS Gateway, Debian's packages) on loopback. Boots in 1 to 5 s. */
export async function startRgw(options: RgwOptions = {}): Promise<Rgw> {
  const reason = requireServer('rgw').skip
  if (reason !== false) throw new Error(reason)
  return retrying(() => startOnce(options))
}

async function startOnce(options: RgwOptions): Promise<Rgw> {
  const folder = await dataFolder('rgw', options.folder)
  const stop = async () => {
    // The gateway first: it would wait for a store that is gone.
    for (const daemon of folder.daemons.toReversed()) await daemon.stop()
    await folder.remove()
  }
  try {
    return { ...(await boot(folder, options)), pids: folder.daemons.map(({ pid }) => pid), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function boot(data: DataFolder, options: RgwOptions): Promise<Omit<Rgw, 'stop' | 'pids'>> {
  const folder = data.path
  if (/\s/.test(folder)) throw new Error(`folder: Ceph takes no blanks in a path (${folder})`)
  const [port, monitorPort] = [options.port ?? (await freePort()), await freePort()]
  const conf = join(folder, 'ceph.conf')
  const log = (name: string) => join(folder, 'log', name)
  const fsid = randomUUID()
  for (const name of ['run', 'log', 'mon', 'osd']) await mkdir(join(folder, name), { recursive: true })
  await writeFile(conf, cephConf({ folder, fsid, port, monitorPort, options }), { mode: 0o600 })

  const env = { CEPH_CONF: conf, CEPH_ARGS: '' }
  const ceph = (program: string, ...args: string[]) =>
    run(findProgram(program)!, ['-c', conf, ...args], { env })
  const daemon = (program: string, ...args: string[]) =>
    startDaemon({
      command: findProgram(program)!,
      args: ['-c', conf, ...args, '-f'],
      folder: data,
      logFile: log('out.log'),
      env,
      // The objects are thrown away with the folder, so nothing is lost by an end without ceremony.
      stopSignal: 'SIGKILL',
    })

  await ceph(
    'monmaptool',
    '--create',
    '--fsid',
    fsid,
    '--addv',
    'a',
    `[v2:127.0.0.1:${monitorPort}]`,
    join(folder, 'monmap'),
  )
  await ceph('ceph-mon', '-i', 'a', '--mkfs', '--monmap', join(folder, 'monmap'))
  daemon('ceph-mon', '-i', 'a')
  const id = (await ceph('ceph', '--connect-timeout', '120', 'osd', 'create')).trim()
  if (id !== '0') throw new Error(`the monitor gave no id for the object store: ${id}`)
  await ceph('ceph-osd', '-i', '0', '--mkfs')
  daemon('ceph-osd', '-i', '0')
  const gateway = daemon('radosgw', '-n', 'client.rgw')
  const endpoint = `http://127.0.0.1:${port}`
  await waitUntilUp(gateway, log('access.log'), 120_000, () => fetch(endpoint).then((answer) => answer.ok))

  const admin = (args: readonly string[]) => ceph('radosgw-admin', ...args)
  const [accessKeyId, secretAccessKey] = [
    `AK${randomBytes(9).toString('hex').toUpperCase()}`,
    randomBytes(20).toString('hex'),
  ]
  const caps = 'roles=*;users=*;buckets=*;usage=*'
  const keys = [`--access-key=${accessKeyId}`, `--secret=${secretAccessKey}`]
  await admin(['user', 'create', '--uid=root-user', '--display-name=root-user', ...keys, `--caps=${caps}`])
  return {
    endpoint,
    region: 'us-east-1',
    accessKeyId,
    secretAccessKey,
    accessLogFile: log('access.log'),
    opsLogFile: log('ops.log'),
    admin,
  }
}

interface Layout {
  folder: string
  fsid: string
  port: number
  monitorPort: number
  options: RgwOptions
}

/** One copy of each object, no authentication between the daemons, everything below the folder. */
function cephConf({ folder, fsid, port, monitorPort, options }: Layout): string {
  const sizeBytes = options.sizeBytes ?? 4 * 2 ** 30
  return `[global]
fsid = ${fsid}
mon host = [v2:127.0.0.1:${monitorPort}]
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind msgr1 = false
auth cluster required = none
auth service required = none
auth client required = none
# without this the gateway cannot talk to a monitor that asks for no authentication
ms mon client mode = crc
run dir = ${folder}/run
crash dir = ${folder}/run
# a long folder path would not fit in a socket's address
admin socket =
pid file = ${folder}/run/$name.pid
log file = ${folder}/log/$name.log
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0

[mon]
mon data = ${folder}/mon
mon cluster log file = ${folder}/log/cluster.log
mon allow pool size one = true
mon max pg per osd = 1000
mon data avail warn = 1
mon data avail crit = 1
auth allow insecure global id reclaim = false
# a proposal at once instead of once a second: boots in a tenth of the time
paxos propose interval = 0.01
paxos min wait = 0.01

[osd]
osd data = ${folder}/osd
osd objectstore = ${options.store ?? 'memstore'}
memstore device bytes = ${sizeBytes}
bluestore block size = ${sizeBytes}
bluestore block create = true
osd memory target = 939524096
osd class load list = *
osd class default list = *

[client.rgw]
rgw data = ${folder}/run
rgw frontends = beast endpoint=127.0.0.1:${port}
rgw dns name = ${options.dnsName ?? ''}
rgw enable apis = s3, sts, iam, admin
rgw thread pool size = 64
rgw rados pool pg num min = 1
rgw s3 auth use sts = true
# in this order a bad signature is told as SignatureDoesNotMatch; in the default order as AccessDenied
rgw s3 auth order = local, sts
rgw sts key = ${randomBytes(8).toString('hex')}
rgw enable ops log = true
rgw ops log rados = false
rgw ops log file path = ${folder}/log/ops.log
rgw log http headers = http_x_forwarded_for, http_x_request_id
log file = ${folder}/log/access.log
debug rgw = 1/1
`
}

if (import.meta.main) {
  await runByHand(async () => {
    const { endpoint, region, accessKeyId, secretAccessKey, accessLogFile, opsLogFile, stop } =
      await startRgw({ dnsName: 'localhost' })
    return {
      S3_ENDPOINT: endpoint,
      S3_REGION: region,
      S3_ACCESS_KEY_ID: accessKeyId,
      S3_SECRET_ACCESS_KEY: secretAccessKey,
      S3_ACCESS_LOG_FILE: accessLogFile,
      S3_OPS_LOG_FILE: opsLogFile,
      stop,
    }
  })
}
