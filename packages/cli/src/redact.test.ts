import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reportOf } from './errors.ts'
import { redactSecrets } from './redact.ts'

const secrets = ['deadbeef01', 'TOKENTOKEN', 'MPLEKEY', 'c2lnbmF0dXJl', 'keykeykeykey', 'bearerbearer']
const text = [
  'https://b.example/k?X-Amz-Credential=AKIAEXAMPLEKEY%2F20260101%2Fr%2Fs3&X-Amz-Security-Token=TOKENTOKEN&X-Amz-Signature=deadbeef01',
  'x-amz-security-token:TOKENTOKEN',
  'https://a.example/c/b?sv=2025-11-05&sig=c2lnbmF0dXJl%3D&se=x',
  'sp_0123456789ab_keykeykeykey-_',
  'Authorization: Bearer bearerbearer',
].join('\n')

test('signatures, security tokens, API keys and the ends of key ids are taken out; the rest stays', () => {
  const redacted = redactSecrets(text)
  for (const secret of secrets) assert.ok(!redacted.includes(secret), secret)
  assert.match(redacted, /X-Amz-Credential=AKIA…%2F20260101%2Fr%2Fs3&/)
  assert.match(redacted, /sv=2025-11-05&sig=…&se=x/)
  assert.match(redacted, /sp_0123456789ab_…/)
})

test('an error is reported without secrets and without control characters', () => {
  const { message } = reportOf(new Error(`${text} \u001b[31m`))
  for (const secret of secrets) assert.ok(!message.includes(secret), secret)
  assert.ok(!message.includes('\u001b'))
})

test('errors of the system are said in words, with the path', () => {
  const error = Object.assign(new Error('ENOENT: no such file or directory, open'), {
    code: 'ENOENT',
    syscall: 'open',
    path: 'a.txt',
  })
  assert.equal(reportOf(error).message, 'a.txt: there is no such file or folder')
})
