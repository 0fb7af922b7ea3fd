import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, it } from 'node:test'
import { createSmallFiles, smallFileBytes } from './small-file.ts'

describe('small files', () => {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-small-'))
  const path = join(folder, 'file')
  after(() => rmSync(folder, { recursive: true }))

  it('are read and written at one go, and leave nothing beside them', () => {
    const files = createSmallFiles()
    assert.ok(files.write(path, [Buffer.from('hel'), Buffer.from('lo')], 5))
    assert.equal(Buffer.from(files.read(path) ?? []).toString(), 'hello')
    assert.ok(files.write(path, [], 0))
    assert.equal(files.read(path)?.byteLength, 0)
    assert.deepEqual(readdirSync(folder), ['file'])
  })

  it('are left to others when they are large, no regular files, or written in vain', () => {
    const files = createSmallFiles()
    writeFileSync(path, Buffer.alloc(smallFileBytes + 1))
    assert.equal(files.read(path), undefined)
    assert.equal(files.read(folder), undefined)
    assert.equal(files.write(path, [Buffer.alloc(smallFileBytes + 1)], smallFileBytes + 1), false)
    assert.throws(() => files.write(path, [Buffer.from('hello')], 6), { code: 'size_mismatch' })
    assert.equal(readFileSync(path).byteLength, smallFileBytes + 1)
    assert.deepEqual(readdirSync(folder), ['file'])
  })

  it('are left to others once the disk is slow', () => {
    writeFileSync(path, 'hello')
    let now = 0
    const files = createSmallFiles(() => (now += 30))
    let reads = 0
    while (files.read(path)) reads += 1
    assert.ok(reads < 5, `${reads}`)
    assert.equal(files.write(path, [Buffer.from('x')], 1), false)
  })
})
