import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createUploadStates, type UploadIdentity } from './upload-state.ts'

const identity: UploadIdentity = {
  server: 'https://a.example',
  team: 'vision',
  key: 'k',
  path: 'k.bin',
  sizeBytes: 10,
  mtimeMs: 1.5,
  contentType: undefined,
  createOnly: false,
}

test('an upload is found again only for the same file, object and server', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-cli-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const states = createUploadStates(folder)
  states.keep(identity, 'u1')
  assert.equal(createUploadStates(folder).find({ ...identity }), 'u1')
  const others: Partial<UploadIdentity>[] = [
    { server: 'https://b.example' },
    { team: 'other' },
    { key: 'l' },
    { path: 'l.bin' },
    { sizeBytes: 11 },
    { mtimeMs: 2 },
    { contentType: 'text/plain' },
    { createOnly: true },
  ]
  for (const other of others) assert.equal(states.find({ ...identity, ...other }), undefined)
  const [name] = readdirSync(join(folder, 'uploads'))
  assert.equal(statSync(join(folder, 'uploads', name ?? '')).mode & 0o777, 0o600)
  await states.forget(identity)
  assert.equal(states.find(identity), undefined)
})

test('what no server remembers any more is swept away', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-cli-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const states = createUploadStates(folder)
  states.keep(identity, 'old')
  const [name] = readdirSync(join(folder, 'uploads'))
  utimesSync(join(folder, 'uploads', name ?? ''), 1000, 1000)
  states.keep({ ...identity, key: 'new' }, 'new')
  await states.sweep(Date.now())
  assert.equal(states.find(identity), undefined)
  assert.equal(states.find({ ...identity, key: 'new' }), 'new')
})
