/** The table in docs/guides/guard-uploads.md says what the code does: it is made here, and compared. */
import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { SignpostError, type ResolvedSettings } from '@signpost/contract'
import { signAzure } from '../../packages/server/src/connectors/azure/sign.ts'
import { azureAddress } from '../../packages/server/src/connectors/azure/address.ts'
import { openConnector } from '../../packages/server/src/connectors/index.ts'
import type { SignedRequest, SignRequest } from '../../packages/server/src/domain/connector.ts'
import { root } from '../repo/files.ts'

const page = join(root, 'docs/guides/guard-uploads.md')

const request: SignRequest = {
  action: 'write',
  method: 'PUT',
  key: 'team/key',
  signedAt: Date.UTC(2026, 10, 23),
  expiresAt: Date.UTC(2026, 10, 23, 1),
  marker: { username: 'ana', pseudonym: 'p', scid: '9750dcc2-516e-5ea0-8a26-54fa6ff6986b', grantId: 'g' },
}
const digest = (algorithm: 'md5' | 'sha256' | 'crc32c') => ({ checksum: { algorithm, value: 'qqo=' } })
const rows: [string, Partial<SignRequest>, string][] = [
  ['content type', { contentType: 'a/b' }, 'contentType'],
  ['exact length', { contentLength: 5 }, 'contentLength'],
  ['range of lengths', { contentLengthRange: { min: 1, max: 5 } }, 'contentLengthRange'],
  ['MD5', digest('md5'), 'checksum'],
  ['SHA-256', digest('sha256'), 'checksum'],
  ['CRC32C', digest('crc32c'), 'checksum'],
  ['create only', { createOnly: true }, 'createOnly'],
  ['storage class', { writes: { storageClass: 'STANDARD_IA' } }, 'storageClass'],
  ['encryption key', { writes: { kmsKeyId: 'key' } }, 'kmsKeyId'],
  ['tags', { writes: { tags: { a: 'b' } } }, 'tags'],
  ['metadata', { writes: { metadata: { a: 'b' } } }, 'metadata'],
]

type Sign = (request: SignRequest) => SignedRequest | Promise<SignedRequest>

async function signers(): Promise<Record<string, Sign>> {
  const opened = async (settings: ResolvedSettings): Promise<Sign> => {
    const scope = { requester: { id: 'p', ...request.marker }, team: 't', prefix: 'team/', networks: [] }
    const connector = openConnector(settings, { clock: () => request.signedAt, fetch })
    const signer = await connector.signer({ ...scope, action: 'write', until: request.expiresAt })
    return (one) => signer.sign(one)
  }
  const credential = { type: 'static', accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 's' } as const
  const s3 = {
    kind: 's3',
    name: 'n',
    bucket: 'bucket',
    region: 'eu-central-1',
    addressing: 'virtual',
  } as const
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const azure = {
    kind: 'azure',
    name: 'n',
    bucket: 'bucket',
    account: 'account',
    marker: 'uuid',
    credential: { type: 'accountKey', accountKey: 'a2V5' },
  } as const
  return {
    aws: await opened({ ...s3, marker: 'username', credential }),
    s3: await opened({ ...s3, marker: 'username', credential, endpoint: 'https://s3.example.com' }),
    gcs: await opened({
      kind: 'gcs',
      name: 'n',
      bucket: 'bucket',
      addressing: 'path',
      marker: 'username',
      credential: {
        type: 'serviceAccountKey',
        clientEmail: 'a@b.iam.gserviceaccount.com',
        privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }) as string,
      },
    }),
    azure: (one) =>
      signAzure(
        { settings: azure, address: azureAddress(azure) },
        { type: 'accountKey', accountKey: 'a2V5' },
        one,
      ),
  }
}

async function cell(sign: Sign, wish: Partial<SignRequest>, name: string): Promise<string> {
  try {
    const { enforcement } = await sign({ ...request, ...wish })
    return enforcement[name] ?? 'missing'
  } catch (error) {
    assert.ok(error instanceof SignpostError && error.code === 'unsupported_by_store', String(error))
    return ''
  }
}

async function table(): Promise<string> {
  const columns = Object.entries(await signers()).flatMap(([name, sign]) =>
    name === 'azure'
      ? [{ title: 'azure', sign, method: 'PUT' as const }]
      : [
          { title: name, sign, method: 'PUT' as const },
          { title: `${name} form`, sign, method: 'POST' as const },
        ],
  )
  const lines = [
    `| | ${columns.map(({ title }) => title).join(' | ')} |`,
    `|${' --- |'.repeat(columns.length + 1)}`,
  ]
  for (const [title, wish, name] of rows) {
    const cells = await Promise.all(columns.map(({ sign, method }) => cell(sign, { ...wish, method }, name)))
    lines.push(`| ${title} | ${cells.join(' | ')} |`)
  }
  return lines.join('\n')
}

test('the table of who holds what is what the signers say', async () => {
  const text = readFileSync(page, 'utf8')
  const [begin, end] = ['<!-- guards:begin -->\n', '<!-- guards:end -->']
  const [before = '', rest = ''] = text.split(begin)
  const [written = '', after = ''] = rest.split(end)
  const made = await table()
  assert.doesNotMatch(made, /missing/)
  if (process.env['UPDATE_TABLES'] === '1')
    writeFileSync(page, `${before}${begin}\n${made}\n\n${end}${after}`)
  else {
    const plain = (one: string) =>
      one
        .trim()
        .split('\n')
        .map((line) => line.split('|').map((part) => part.trim().replace(/^-+$/, '---')))
    assert.deepEqual(plain(written), plain(made), 'run this test with UPDATE_TABLES=1')
  }
})
