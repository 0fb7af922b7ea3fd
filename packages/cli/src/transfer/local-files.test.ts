import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { filesBelow, type FoundFile } from './local-files.ts'

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-cli-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'b'))
  writeFileSync(join(folder, 'b', 'x'), '12')
  writeFileSync(join(folder, 'a'), '1')
  return folder
}

async function walked(folder: string, followSymlinks: boolean): Promise<FoundFile[]> {
  const found: FoundFile[] = []
  const options = { followSymlinks, signal: new AbortController().signal }
  for await (const file of filesBelow(folder, options)) found.push(file)
  return found
}

const brief = (found: FoundFile[], folder: string) =>
  found.map((file) => `${file.kind} ${file.path.slice(folder.length + 1)}`)

test('files are found in order, with what they hold', async (t) => {
  const folder = folderOf(t)
  const found = await walked(folder, false)
  assert.deepEqual(brief(found, folder), ['file a', 'file b/x'])
  assert.ok(found[1]?.kind === 'file' && found[1].sizeBytes === 2 && found[1].relativePath === 'b/x')
})

test('symbolic links are skipped unless asked for, and circles end', async (t) => {
  const folder = folderOf(t)
  symlinkSync('a', join(folder, 'link'))
  symlinkSync('..', join(folder, 'b', 'up'))
  assert.deepEqual(brief(await walked(folder, false), folder), [
    'file a',
    'skipped b/up',
    'file b/x',
    'skipped link',
  ])
  assert.deepEqual(brief(await walked(folder, true), folder), [
    'file a',
    'skipped b/up',
    'file b/x',
    'file link',
  ])
})

test('pipes and broken links are named, not sent', async (t) => {
  const folder = folderOf(t)
  execFileSync('mkfifo', [join(folder, 'pipe')])
  symlinkSync('nowhere', join(folder, 'broken'))
  const found = await walked(folder, true)
  assert.deepEqual(brief(found, folder), ['file a', 'file b/x', 'failed broken', 'skipped pipe'])
})

test('a name that is not UTF-8 has no key, and is named as a failure', async (t) => {
  const folder = folderOf(t)
  try {
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0x41])]), 'x')
  } catch {
    // A file system that takes UTF-8 alone has no such names.
    return
  }
  const failed = (await walked(folder, false)).filter((file) => file.kind === 'failed')
  assert.match(String(failed[0]?.error), /not UTF-8/)
})
