/** The house rules that can be checked by reading files. Each exception stands here with its reason. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { isTestFile, repositoryFiles, root, sourceFiles } from './files.ts'

/** File -> why it may be longer than 250 lines. */
const longFiles: Record<string, string> = {
  'packages/contract/src/operations.ts': 'the table of all operations: data, read from top to bottom',
  'packages/server/src/config.ts': 'the table of all settings: data, with what reads it below',
}

const text = (file: string) => readFileSync(join(root, file), 'utf8')

test('no source file is longer than 250 lines without a reason', () => {
  const long = sourceFiles('packages')
    .filter((file) => !isTestFile(file))
    .map((file) => ({ file, lines: text(file).split('\n').length - 1 }))
    .filter(({ file, lines }) => lines > 250 && !(file in longFiles))
  assert.deepEqual(long, [])
})

test('every exception to the length rule is still needed', () => {
  const stale = Object.keys(longFiles).filter(
    (file) => !existsSync(join(root, file)) || text(file).split('\n').length - 1 <= 250,
  )
  assert.deepEqual(stale, [])
})

test('every package has a README', () => {
  const without = readdirSync(join(root, 'packages')).filter(
    (name) => !existsSync(join(root, 'packages', name, 'README.md')),
  )
  assert.deepEqual(without, [])
})

test('the lock file names no registry', () => {
  assert.doesNotMatch(text('package-lock.json'), /"resolved": "http/)
})

test('nothing is left undone or skipped without a word', () => {
  const marks = /\b(TODO|FIXME|XXX)\b|not implemented yet|test\.(skip|todo)|it\.(skip|todo)|skip: *true/
  const found = sourceFiles('.').filter(
    (file) => file !== 'tests/repo/house.test.ts' && marks.test(text(file)),
  )
  assert.deepEqual(found, [])
})

test('no file holds a private key or a live credential, but for the published throw-away test key', () => {
  const secret =
    /-----BEGIN (?:RSA |EC )?PRIVATE KEY-----\n?[A-Za-z0-9+/]{40}|\bAKIA[A-Z0-9]{16}\b|\bsp_[a-z0-9]{12}_[A-Za-z0-9_-]{43}\b/
  const published = /AKIAIOSFODNN7EXAMPLE|AKIDEXAMPLE/g
  const found = repositoryFiles()
    .filter((file) => !/not-a-test|\.(png|ico|woff2)$/.test(file) && existsSync(join(root, file)))
    .filter((file) => secret.test(text(file).replaceAll(published, '')))
  assert.deepEqual(found, [])
})

test('every decision says what was decided, why, and when to look again', () => {
  const folder = join(root, 'docs/decisions')
  for (const name of readdirSync(folder).filter((file) => /^\d{4}-.*\.md$/.test(file))) {
    const page = readFileSync(join(folder, name), 'utf8')
    for (const part of ['## Decision', '## Why', '## Look again when'])
      assert.ok(page.includes(part), `${name} lacks "${part}"`)
  }
})

test('relative links in Markdown lead somewhere', () => {
  const broken: string[] = []
  for (const file of repositoryFiles().filter((name) => name.endsWith('.md'))) {
    for (const [, target = ''] of text(file).matchAll(/\]\((?!https?:|mailto:|#)([^)#\s]+)(?:#[^)]*)?\)/g)) {
      if (!existsSync(join(root, file, '..', target))) broken.push(`${file} -> ${target}`)
    }
  }
  assert.deepEqual(broken, [])
})
