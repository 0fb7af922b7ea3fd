import { existsSync, readdirSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram, run } from './daemon.ts'

export type ServerName = 'rgw' | 'postgres' | 'chromium' | 'rclone' | 'awscli'

export interface MissingServer {
  server: ServerName
  why: string
}

/** This machine, unless a test of the rules says otherwise. */
export interface InstallDeps {
  isThere(name: ServerName): boolean
  /** Undefined when it worked, else why not. */
  install(packages: readonly string[]): Promise<string | undefined>
  ci: boolean
}

interface DebianServer {
  packages: readonly string[]
  isThere(): boolean
  /** Only `install.ts --bench` asks for it. */
  benchOnly?: boolean
}

const rgwPrograms = ['radosgw', 'radosgw-admin', 'ceph', 'ceph-mon', 'ceph-osd', 'monmaptool']

const servers: Readonly<Record<ServerName, DebianServer>> = {
  rgw: {
    packages: ['radosgw', 'ceph-mon', 'ceph-osd'],
    isThere: () => rgwPrograms.every((program) => findProgram(program) !== undefined),
  },
  postgres: { packages: ['postgresql'], isThere: () => postgresBinaries() !== undefined },
  chromium: { packages: ['chromium'], isThere: () => findProgram('chromium') !== undefined },
  rclone: { packages: ['rclone'], isThere: () => findProgram('rclone') !== undefined, benchOnly: true },
  // A version manager's shim may be called `aws` too: take Debian's by its path.
  awscli: { packages: ['awscli'], isThere: () => existsSync('/usr/bin/aws'), benchOnly: true },
}

/** The folder of Debian's newest PostgreSQL (`/usr/lib/postgresql/15/bin`), or undefined. */
export function postgresBinaries(): string | undefined {
  const root = '/usr/lib/postgresql'
  if (!existsSync(root)) return undefined
  return readdirSync(root)
    .toSorted((a, b) => Number(b) - Number(a))
    .map((version) => join(root, version, 'bin'))
    .find((folder) => ['initdb', 'postgres'].every((program) => existsSync(join(folder, program))))
}

/** Which servers this machine has, by looking for their programs. */
export function availableServers(): ServerName[] {
  return names().filter((name) => servers[name].isThere())
}

/**
 * For a test's options: `test('...', requireServer('rgw'), ...)`. Skips the test with the reason when the server is missing;
 * with CI=true a missing server is an error, so that a green run means that everything ran.
 */
export function requireServer(name: ServerName, deps: InstallDeps = thisMachine()): { skip: false | string } {
  if (deps.isThere(name)) return { skip: false }
  const reason = `${name} is not on this machine: run 'node tests/servers/install.ts' (Debian packages ${servers[name].packages.join(', ')})`
  if (deps.ci) throw new Error(reason)
  return { skip: reason }
}

/**
 * Installs what is missing with apt-get, as root or by passwordless sudo. Does nothing when all is there. With CI=true
 * whatever stays missing is an error.
 */
export async function installServers(
  options: { bench?: boolean } = {},
  deps: InstallDeps = thisMachine(),
): Promise<{ installed: ServerName[]; missing: MissingServer[] }> {
  const wanted = names().filter((name) => options.bench === true || !servers[name].benchOnly)
  const absent = wanted.filter((name) => !deps.isThere(name))
  const installed: ServerName[] = []
  const missing: MissingServer[] = []
  if (absent.length > 0) {
    const why = await deps.install(absent.flatMap((name) => servers[name].packages))
    for (const name of absent) {
      if (deps.isThere(name)) installed.push(name)
      else
        missing.push({
          server: name,
          why: why ?? 'the packages were installed, but its programs are not there',
        })
    }
  }
  if (missing.length > 0 && deps.ci) throw new Error(missing.map(missingLine).join('\n'))
  return { installed, missing }
}

async function installPackages(packages: readonly string[]): Promise<string | undefined> {
  const aptGet = findProgram('apt-get')
  if (!aptGet) return 'there is no apt-get here; the servers come from Debian packages'
  const asRoot = await rootPrefix()
  if (!asRoot)
    return `needs root or passwordless sudo: apt-get install --no-install-recommends ${packages.join(' ')}`
  const apt = (...args: string[]) => {
    const [command, ...rest] = [
      ...asRoot,
      'env',
      'DEBIAN_FRONTEND=noninteractive',
      aptGet,
      '-qq',
      '-o',
      'DPkg::Lock::Timeout=300',
      ...args,
    ]
    return run(command!, rest, { timeoutMs: 15 * 60_000 })
  }
  const install = () => apt('install', '-y', '--no-install-recommends', ...packages)
  const allowClusters = await forbidDefaultCluster(asRoot)
  try {
    // The lists may be there and fresh enough; only when not, fetch them once.
    await install().catch(async () => {
      await apt('update')
      await install()
    })
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  } finally {
    await allowClusters()
  }
}

/** The words to put before a command so that it runs as root: none, `sudo -n`, or undefined when neither works. */
async function rootPrefix(): Promise<string[] | undefined> {
  if (process.getuid?.() === 0) return []
  const sudo = findProgram('sudo')
  if (!sudo) return undefined
  return run(sudo, ['-n', 'true']).then(
    () => [sudo, '-n'],
    () => undefined,
  )
}

/**
 * Debian's postgresql package makes a cluster and starts it. We want its binaries only: postgresql-common reads this folder
 * before it makes one. Gives the function that takes the setting back.
 */
async function forbidDefaultCluster(asRoot: readonly string[]): Promise<() => Promise<void>> {
  const folder = '/etc/postgresql-common/createcluster.d'
  const file = `${folder}/signpost-tests.conf`
  const setting = 'create_main_cluster = false\n'
  if (servers.postgres.isThere()) return async () => {}
  if (asRoot.length === 0) {
    await run('mkdir', ['-p', folder])
    await writeFile(file, setting)
    return () => rm(file, { force: true })
  }
  const [sudo, ...flags] = asRoot
  await run(sudo!, [...flags, 'sh', '-c', `mkdir -p ${folder} && printf '%s' '${setting}' >${file}`])
  return () => run(sudo!, [...flags, 'rm', '-f', file]).then(() => {})
}

function names(): ServerName[] {
  return Object.keys(servers) as ServerName[]
}

function thisMachine(): InstallDeps {
  return {
    isThere: (name) => servers[name].isThere(),
    install: installPackages,
    ci: process.env['CI'] === 'true',
  }
}

function missingLine({ server, why }: MissingServer): string {
  return `${server} is missing: ${why}`
}

if (import.meta.main) {
  try {
    const { installed, missing } = await installServers({ bench: process.argv.includes('--bench') })
    for (const name of installed) console.log(`installed ${name}`)
    for (const one of missing) console.error(missingLine(one))
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
