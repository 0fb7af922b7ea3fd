/** What `npm start` runs: the server in a few files, put together when its sources have changed. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import {
  appendFileSync,
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import { root } from '../repo/files.ts'
import { builtFile } from './server-process.ts'

const execute = promisify(execFile)

/** A checkout without a build. The packages that it finds by name are those of the repository. */
function checkout(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-build-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const built = join(root, dirname(builtFile))
  for (const name of ['packages', 'scripts', 'package-lock.json', 'tsconfig.json'])
    cpSync(join(root, name), join(folder, name), {
      recursive: true,
      filter: (file) => file !== built && !file.includes('node_modules'),
    })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  return folder
}

/** What is to be run, and what was said. */
async function build(folder: string): Promise<{ file: string; said: string }> {
  const script = `import('./scripts/build.mjs').then(async (m) => console.log('\\n' + (await m.builtServer())))`
  const { stdout, stderr } = await execute(process.execPath, ['-e', script], { cwd: folder })
  return { file: stdout.trim().split('\n').at(-1)!, said: stdout + stderr }
}

const isBuilt = /putting the server together/

test('the server is put together once, and again when a source has changed, whatever its time says', async (t) => {
  const folder = checkout(t)
  const first = await build(folder)
  assert.equal(first.file, 'packages/server/build/main.js')
  assert.match(first.said, isBuilt)
  assert.doesNotMatch((await build(folder)).said, isBuilt)

  const source = join(folder, 'packages/server/src/uuid-v7.ts')
  const { atime, mtime } = statSync(source)
  utimesSync(source, new Date(), new Date())
  assert.doesNotMatch((await build(folder)).said, isBuilt)
  appendFileSync(source, '\n// changed\n')
  utimesSync(source, atime, mtime)
  assert.match((await build(folder)).said, isBuilt)
  assert.doesNotMatch((await build(folder)).said, isBuilt)

  writeFileSync(join(folder, 'packages/server/src/store/migrations/9999_new.sql'), 'select 1;')
  writeFileSync(join(folder, 'packages/server/build/main.js'), 'half of i')
  // Of several at once one does the work.
  const all = await Promise.all([build(folder), build(folder), build(folder)])
  assert.deepEqual(
    all.map(({ file }) => file),
    Array(3).fill('packages/server/build/main.js'),
  )
  assert.equal(all.filter(({ said }) => isBuilt.test(said)).length, 1)
  assert.ok(existsSync(join(folder, 'packages/server/build/store/migrations/9999_new.sql')))
  assert.ok(statSync(join(folder, 'packages/server/build/main.js')).size > 100_000)

  rmSync(join(folder, 'packages/server/build/built.json'))
  assert.match((await build(folder)).said, isBuilt, 'one that was not finished is not run')
})

test('what cannot be put together runs from its sources, and says why', async (t) => {
  const folder = checkout(t)
  // Stands in the way of the folder.
  writeFileSync(join(folder, 'packages/server/build'), '')
  const { file, said } = await build(folder)
  assert.equal(file, 'packages/server/src/main.ts')
  assert.match(said, /running from the sources, with more memory: .*packages\/server\/build/)
})

test('all parts of it can be loaded, also those that a server loads only when it needs them', async () => {
  const folder = join(root, dirname(builtFile), 'store')
  const parts = readdirSync(folder).filter((name) => name.endsWith('.js') && name !== 'sqlite-writer.js')
  assert.ok(parts.length > 10)
  const all = parts.map((name) => pathToFileURL(join(folder, name)).href)
  const script = `for (const part of ${JSON.stringify(all)}) await import(part); process.exit(0)`
  await execute(process.execPath, ['--input-type=module', '-e', script])
  assert.ok(existsSync(join(folder, 'migrations/0001_first.sql')))
})
