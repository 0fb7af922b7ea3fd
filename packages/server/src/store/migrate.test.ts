import assert from 'node:assert/strict'
import { test } from 'node:test'
import { pendingMigrations, readMigrations } from './migrate.ts'

const [one, two, three] = ['0001_one', '0002_two', '0003_three'].map((name) => ({
  name,
  checksum: name,
  sql: '',
}))
const all = [one!, two!, three!]

test('what was not applied is pending, in order', () => {
  assert.deepEqual(pendingMigrations(all, []), all)
  assert.deepEqual(pendingMigrations(all, [one!, two!]), [three])
  assert.deepEqual(pendingMigrations(all, all), [])
})

test('a migration that was changed after it was applied is refused', () => {
  assert.throws(() => pendingMigrations(all, [{ ...one!, checksum: 'other' }]), /0001_one was changed after/)
})

test('a database of a newer version is refused', () => {
  assert.throws(
    () => pendingMigrations([one!], [one!, two!]),
    /newer version of Signpost \(it has migration 0002_two\)/,
  )
})

test('a migration that comes before one that was applied is refused', () => {
  assert.throws(() => pendingMigrations(all, [one!, three!]), /0002_two is missing/)
})

test('one file gives each engine its own SQL', () => {
  const [sqlite] = readMigrations('sqlite')
  const [postgres] = readMigrations('postgres')
  assert.equal(sqlite!.checksum, postgres!.checksum)
  assert.match(postgres!.sql, /username text collate "C" not null/)
  assert.match(sqlite!.sql, /username text {2}?not null/)
  assert.doesNotMatch(sqlite!.sql, /plpgsql|text collate/)
  assert.doesNotMatch(postgres!.sql, /raise\(abort/)
})
