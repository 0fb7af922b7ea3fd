import assert from 'node:assert/strict'
import { closeSync, existsSync, openSync } from 'node:fs'
import { test } from 'node:test'
import { createLog, openLogOutput } from './log.ts'

function logged(write: (log: ReturnType<typeof createLog>) => void): string {
  let lines = ''
  write(createLog('info', { write: (line) => void (lines += line) }))
  return lines
}

test('an error is logged with stack and causes, and without what libraries hang on it', () => {
  const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
  const error = Object.assign(new Error('could not list', { cause }), {
    request: { headers: { authorization: 'SECRET' } },
  })
  const line = logged((log) => log.error({ err: error }, 'failed'))
  assert.match(line, /"level":"error".*could not list.*log\.test\.ts.*ECONNREFUSED/)
  assert.equal(line.includes('SECRET'), false)
})

test('no live URL, key or password is logged, wherever it stands in an error', () => {
  const key = `sp_0123456789ab_${'S'.repeat(43)}`
  const secrets = [
    'GET https://b.example/k?X-Amz-Date=1&X-Amz-Signature=SECRET&X-User=a failed',
    'GET https://a.example/c/b?sv=2025-11-05&sig=SECRET%3D failed',
    'X-Goog-Signature=SECRET',
    'postgres://signpost:SECRET@db.example/signpost',
    'authorization: Bearer SECRET',
  ]
  const others = ['ss', 'st', 'sl'].map((kind) => key.replace('sp', kind))
  for (const text of [...secrets, key, ...others]) {
    const line = logged((log) => log.error({ err: new Error(text, { cause: text }) }, 'failed'))
    assert.equal(line.includes('SECRET') || line.includes('SSSS'), false, line)
    const short = logged((log) => log.warn({ cause: text }, 'refused'))
    assert.equal(short.includes('SECRET') || short.includes('SSSS'), false, short)
  }
  assert.equal(
    logged((log) => log.info({ token: 'SECRET', req: { headers: 'SECRET' } }, 'x')).includes('SECRET'),
    false,
  )
})

test(
  'a log that cannot be written is no error of whoever writes to it',
  { skip: existsSync('/dev/full') ? false : '/dev/full stands for the full disk, and is not here' },
  () => {
    const fd = openSync('/dev/full', 'w')
    const log = createLog('info', openLogOutput(fd))
    for (let line = 0; line < 10; line++) log.info({ text: 'x'.repeat(100_000) }, 'lost')
    closeSync(fd)
    log.info({}, 'lost too')
  },
)
