import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { dataFolder, freePort, retrying, run, startDaemon, waitUntilUp } from './daemon.ts'
import { waitForLine } from './log-file.ts'
import { runs, stillRunning } from './processes.ts'

const sleeper = { command: process.execPath, args: ['-e', 'console.log("up"); setInterval(() => {}, 1e6)'] }

test('a daemon runs until it is stopped, and stopping twice is no error', async () => {
  const folder = await dataFolder('daemon-test', undefined)
  const daemon = startDaemon({ ...sleeper, folder, logFile: join(folder.path, 'log') })
  assert.equal(runs(daemon.pid), true)
  await daemon.stop()
  assert.deepEqual(await stillRunning([daemon.pid]), [])
  await daemon.stop()
  await folder.remove()
  assert.equal(existsSync(folder.path), false)
})

test('a daemon that ignores its signal is killed after the grace time', async () => {
  const folder = await dataFolder('daemon-test', undefined)
  const logFile = join(folder.path, 'log')
  const args = ['-e', 'process.on("SIGTERM", () => {}); console.log("up"); setInterval(() => {}, 1e6)']
  const daemon = startDaemon({ command: process.execPath, args, folder, logFile })
  await waitUntilUp(daemon, logFile, 60_000, async () => (await run('cat', [logFile])).includes('up'))
  await daemon.stop(100)
  assert.equal(await daemon.ended, 'ended by SIGKILL')
  await folder.remove()
})

test(
  'a daemon ends with the process that started it, even when that is killed',
  { skip: process.platform !== 'linux' },
  async () => {
    const folder = await dataFolder('daemon-test', undefined)
    const script = `
    const { dataFolder, startDaemon } = await import(${JSON.stringify(pathToFileURL(join(import.meta.dirname, 'daemon.ts')).href)})
    const folder = await dataFolder('daemon-test', ${JSON.stringify(folder.path)})
    const daemon = startDaemon({ ...${JSON.stringify(sleeper)}, folder, logFile: ${JSON.stringify(join(folder.path, 'log'))} })
    console.log(daemon.pid)
    setInterval(() => {}, 1e6)`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const pid = await new Promise<number>((resolve) =>
      parent.stdout.once('data', (text) => resolve(Number(text))),
    )
    // Before it is up it may not have asked the kernel for the signal yet.
    await waitForLine(join(folder.path, 'log'), /up/)
    assert.equal(runs(pid), true)
    parent.kill('SIGKILL')
    assert.deepEqual(await stillRunning([pid]), [])
    await folder.remove()
  },
)

test('a daemon that ends early is reported with the end of its log', async () => {
  const folder = await dataFolder('daemon-test', undefined)
  const logFile = join(folder.path, 'log')
  const daemon = startDaemon({
    command: process.execPath,
    args: ['-e', 'console.error("no such disk"); process.exit(3)'],
    folder,
    logFile,
  })
  await assert.rejects(
    waitUntilUp(daemon, logFile, 60_000, async () => false),
    /exited with 3[^]*no such disk/,
  )
  await folder.remove()
})

test('a program that fails is reported with what it said', async () => {
  await assert.rejects(
    run(process.execPath, ['-e', 'console.error("disk full"); process.exit(1)']),
    /-e: disk full/,
  )
})

test('a program that fails without a word is reported without its arguments, which may be secret', async () => {
  const failing = run(process.execPath, ['-e', 'process.exit(7)', '--', '--secret=hush'])
  await assert.rejects(
    failing,
    (error: Error) => /failed \(7\)/.test(error.message) && !error.message.includes('hush'),
  )
})

test('a start is tried three times and then fails with its last error', async () => {
  let tries = 0
  const start = async () => {
    tries += 1
    throw new Error(`try ${tries}`)
  }
  await assert.rejects(retrying(start), /try 3/)
  assert.equal(tries, 3)
  assert.equal(await retrying(async () => 'up'), 'up')
})

test('a free port can be listened on', async () => {
  const port = await freePort()
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  assert.ok(port < 32_768, 'the kernel gives it to nobody who asks for any')
  const others = await Promise.all(Array.from({ length: 8 }, () => freePort()))
  assert.equal(new Set([port, ...others]).size, 9)
  const again = Array.from({ length: 128 }, () => freePort())
  assert.equal((await Promise.all(again)).includes(port), false, 'one that is taken is passed over')
  server.close()
})

test('a folder that the caller named is not removed', async () => {
  const own = await dataFolder('daemon-test', undefined)
  const given = await dataFolder('daemon-test', own.path)
  await given.remove()
  assert.equal(existsSync(own.path), true)
  await own.remove()
})
