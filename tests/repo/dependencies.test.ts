import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { root } from './files.ts'

const manifest = (folder: string) =>
  JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8')) as Record<
    string,
    Record<string, string> | undefined
  >

const folders = ['.', ...readdirSync(join(root, 'packages')).map((name) => join('packages', name))]
const used = folders.flatMap((folder) => {
  const { dependencies, devDependencies, optionalDependencies } = manifest(folder)
  return Object.entries({ ...dependencies, ...devDependencies, ...optionalDependencies }).map(
    ([name, range]) => ({ folder, name, range }),
  )
})

test('every dependency has its reason in the decisions', () => {
  const table = readFileSync(join(root, 'docs/decisions/0008-dependencies.md'), 'utf8')
  const unexplained = used
    .map(({ name }) => name)
    .filter(
      (name) =>
        !name.startsWith('@signpost/') &&
        !name.startsWith('@types/') &&
        !new RegExp(`[|,] ${name}[ ,]`).test(table),
    )
  assert.deepEqual(unexplained, [])
})

test('every dependency has an exact version', () => {
  assert.deepEqual(
    used.filter(({ range }) => !/^\d+\.\d+\.\d+$/.test(range)),
    [],
  )
})

test('the signer has no dependencies', () => {
  assert.equal(manifest('packages/signing')['dependencies'], undefined)
})
