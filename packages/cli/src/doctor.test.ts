/** `signpost doctor` against the real server and its embedded store. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import type { DoctorReport } from '@signpost/contract'
import { freshEnvironment, startServer, untilPrinted } from '../../../tests/e2e/server-process.ts'
import { openShell } from './testing/run-command.ts'

test('signpost doctor looks, says what mends, and keeps what was found', async (t) => {
  const env = await freshEnvironment(t)
  const server = await startServer(t, env)
  const file = join(env['SIGNPOST_DATA_DIR'] ?? '', 'admin-token')
  await untilPrinted(server, 'Ctrl-C')
  const token = readFileSync(file, 'utf8').trim()
  const shell = openShell(t, { SIGNPOST_URL: server.url, SIGNPOST_TOKEN: token })
  const doctor = (...args: string[]) => shell.run(['doctor', ...args])

  await t.test('what was made is looked at by itself, beside the answer', async () => {
    for (let tries = 0; ; tries += 1) {
      const { code, stdout } = await doctor('local', '--last', '--json')
      if (code === 0) return assert.equal((JSON.parse(stdout) as DoctorReport).ok, true)
      assert.ok(code === 4 && tries < 240, `exit code ${code}`)
      await wait(200)
    }
  })

  await t.test('0 where nothing fails: a line a check, no colours, a summary', async () => {
    const { code, stdout, stderr } = await doctor('local')
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^pass {2}signature\.verified +URLs that were changed are refused/m)
    assert.match(stdout, /^warn {2}scope\.read .*\n +Fix: use sessions/m)
    assert.match(stdout, /^- {5}tls\.trusted /m)
    assert.match(stdout, /^local: .*as it should be.* s\)\n$/m)
    assert.ok(!stdout.includes('\u001b'))
  })

  await t.test('1 where something fails, with what to paste, and kept', async () => {
    const { code, stdout } = await doctor(
      'local',
      '--origin',
      'https://a.example',
      '--origin',
      'https://b.example',
    )
    assert.equal(code, 1)
    assert.match(stdout, /^fail {2}cors\.origin +https:\/\/a\.example: .*https:\/\/b\.example: /m)
    assert.match(stdout, /^aws s3api put-bucket-cors --bucket signpost --endpoint-url http.*b\.example/m)
    const last = await doctor('local', '--last')
    assert.deepEqual([last.code, last.stdout], [1, stdout])
    const problems = await doctor('local', '--last', '--problems')
    assert.equal(problems.code, 1)
    assert.match(problems.stdout, /^fail {2}cors\.origin +https:\/\/a\.example: /m)
    assert.match(problems.stdout, /^warn {2}scope\.read .*\n +Fix: use sessions/m)
    assert.match(problems.stdout, /^aws s3api put-bucket-cors /m)
    assert.doesNotMatch(problems.stdout, /^(?:pass|-) /m)
    assert.equal(problems.stdout.split('\n').at(-2), stdout.split('\n').at(-2), 'counts everything')
    const some = await doctor('local', '--last', '--problems', '--json')
    const { checks } = JSON.parse(some.stdout) as DoctorReport
    assert.deepEqual(new Set(checks.map(({ result }) => result)), new Set(['fail', 'warn']))
    const json = await doctor('local', '--last', '--json')
    assert.equal((JSON.parse(json.stdout) as DoctorReport).ok, false)
  })

  await t.test('what it says to paste is what the store takes, and mends it', async () => {
    const json = await doctor('local', '--last', '--json')
    const { checks } = JSON.parse(json.stdout) as DoctorReport
    const paste = checks.find(({ name }) => name === 'cors.origin')?.paste ?? ''
    const [, document = ''] = /--cors-configuration '(.*)'$/.exec(paste) ?? []
    const { CORSRules } = JSON.parse(document) as { CORSRules: { AllowedOrigins: string[] }[] }
    assert.deepEqual(CORSRules[0]?.AllowedOrigins, ['https://a.example', 'https://b.example'])
    const { PutBucketCorsCommand, S3Client } = await import('@aws-sdk/client-s3')
    const credentials = JSON.parse(
      readFileSync(join(env['SIGNPOST_DATA_DIR'] ?? '', 'local-store-credential'), 'utf8'),
    ) as { accessKeyId: string; secretAccessKey: string }
    const endpoint = /--endpoint-url (\S+)/.exec(paste)?.[1] ?? ''
    const s3 = new S3Client({ region: 'us-east-1', endpoint, forcePathStyle: true, credentials })
    const CORSConfiguration = JSON.parse(document) as never
    await s3.send(new PutBucketCorsCommand({ Bucket: 'signpost', CORSConfiguration }))
    s3.destroy()
    const { code, stdout } = await doctor(
      'local',
      '--origin',
      'https://a.example',
      '--origin',
      'https://b.example',
    )
    assert.equal(code, 0, stdout)
    for (const name of ['origin', 'methods', 'headers', 'etag_exposed'])
      assert.match(stdout, new RegExp(`^pass {2}cors\\.${name} `, 'm'))
  })

  await t.test('2, 3 and 4: what is no origin, who may not, and what is not there', async () => {
    assert.equal((await doctor('local', '--origin', 'app.example')).code, 2)
    const nobody = await shell.run(['doctor', 'local'], { env: { SIGNPOST_TOKEN: `${token.slice(0, -1)}_` } })
    assert.equal(nobody.code, 3)
    assert.equal((await doctor('nowhere')).code, 4)
  })

  await t.test('the metrics tell it', async () => {
    const answer = await fetch(`${server.url}/metrics`, { headers: { authorization: `Bearer ${token}` } })
    assert.match(await answer.text(), /^signpost_doctor_ok\{connector="local"\} 1$/m)
  })
})
