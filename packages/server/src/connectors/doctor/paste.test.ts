import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { ConnectorSettings } from '@signpost/contract'
import { azureDoctor } from '../azure/doctor.ts'
import { gcsDoctor } from '../gcs/doctor.ts'
import { s3Doctor } from '../s3/doctor.ts'
import type { KindDoctor } from './kind.ts'

const origins = ['https://app.example', "https://it's.$(id).example"]
const credential = { type: 'static', accessKeyId: 'A', secretAccessKey: 's' }
const s3 = { kind: 's3', name: 'n', bucket: '$HIDDEN', region: 'r', credential } as const
const gcs = { kind: 'gcs', name: 'n', bucket: '$HIDDEN', credential: hmac() } as const
const azure = {
  kind: 'azure',
  name: 'n',
  account: 'account',
  bucket: '$logs',
  credential: sharedKey(),
} as const

/** What the command is called with when a shell reads it, one argument a line. */
function argumentsOf(t: TestContext, text: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'signpost-paste-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const name of ['aws', 'gcloud', 'az']) {
    writeFileSync(join(folder, name), `#!/bin/sh\nprintf '%s\\n' "$@"\n`)
    chmodSync(join(folder, name), 0o755)
  }
  const env = { PATH: `${folder}:${process.env['PATH']}`, HIDDEN: 'a-secret-of-who-pastes' }
  return execFileSync('sh', ['-c', text], { cwd: folder, env, encoding: 'utf8' }).split('\n')
}

test('what the doctor gives to paste reaches the command as it stands, whatever a bucket is called', (t) => {
  const cases: [KindDoctor, object, string | undefined][] = [
    [s3Doctor, s3, '$HIDDEN'],
    [s3Doctor, { ...s3, endpoint: 'https://s3.example:9000' }, 'https://s3.example:9000'],
    [gcsDoctor, gcs, 'gs://$HIDDEN'],
    [azureDoctor, azure, 'account'],
  ]
  for (const [{ paste }, given, word] of cases) {
    const settings = ConnectorSettings.parse(given)
    for (const text of [
      paste.cors(settings, origins, []),
      paste.staleUploads(settings),
      paste.privacy(settings),
    ]) {
      if (text === null) continue
      const words = argumentsOf(t, text)
      assert.ok(words.includes(word!), `${text}\n${words.join('\n')}`)
      assert.ok(!words.join('\n').includes('a-secret-of-who-pastes'), text)
    }
    const cors = paste.cors(settings, origins, [])
    if (!cors.startsWith('cat ')) assert.ok(argumentsOf(t, cors).join('\n').includes(origins[1]!), cors)
  }
})

function hmac() {
  return { type: 'hmacKey', accessId: 'A', secret: 's' } as const
}

function sharedKey() {
  return { type: 'accountKey', accountKey: 'c2VjcmV0' } as const
}
