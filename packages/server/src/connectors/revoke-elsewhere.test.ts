/** What Google and Azure can take back: said, and written out to paste. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { generateKeyPairSync } from 'node:crypto'
import { ConnectorSettings } from '@signpost/contract'
import type { RevocationAsk } from '../domain/revocation.ts'
import { openConnector } from './index.ts'

const ask = (over: Partial<RevocationAsk> = {}): RevocationAsk => ({
  requesters: ['alice'],
  prefix: '',
  team: 'vision',
  at: 0,
  ...over,
})

async function ladderOf(settings: object, asked = ask()) {
  const connector = openConnector(ConnectorSettings.parse(settings), { clock: Date.now, fetch })
  try {
    assert.equal(connector.revocation?.set, undefined, 'nothing can be set from here')
    return await connector.revocation!.ladder(asked)
  } finally {
    connector.close()
  }
}
const gcs = (credential: object) => ({ kind: 'gcs', name: 'g', bucket: 'b', credential })
const azure = (credential: object) => ({ kind: 'azure', name: 'a', bucket: 'b', account: 'acct', credential })
const namesOf = ({ steps }: Awaited<ReturnType<typeof ladderOf>>) =>
  steps.map(({ step, can, reach }) => [step, can, reach])

test('an HMAC key is made inactive, which ends all that it signed', async () => {
  const accessId = "GOOG1';echo"
  const found = await ladderOf(gcs({ type: 'hmacKey', accessId, secret: 'never-shown' }))
  assert.deepEqual(namesOf(found), [
    ['deactivate-hmac-key', 'document', 'credential'],
    ['rotate-credential', 'document', 'credential'],
  ])
  assert.match(found.steps[0]!.document!, /gcloud storage hmac update 'GOOG1'\\'';echo' --deactivate\n/)
  assert.match(found.cannot[0]!, /^g: Google can take back no single URL and no single requester's/)
  assert.doesNotMatch(JSON.stringify(found), /never-shown/)
})

test("a service account's URLs end with its key, or its rights; a team's own account is named for that team alone", async () => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const pem = privateKey.export({ type: 'pkcs8', format: 'pem' })
  const clientEmail = 'signer@p.iam.gserviceaccount.com'
  const byKey = await ladderOf(gcs({ type: 'serviceAccountKey', clientEmail, privateKey: pem }))
  assert.match(byKey.steps[0]!.document!, /service-accounts keys delete KEY-ID --iam-account signer@p/)
  assert.doesNotMatch(JSON.stringify(byKey), /PRIVATE KEY/)
  const impersonation = {
    type: 'impersonation',
    serviceAccount: clientEmail,
    source: { type: 'metadata' },
    teamServiceAccounts: [{ team: 'vision', serviceAccount: 'vision@p.iam.gserviceaccount.com' }],
  }
  const ofTeam = (await ladderOf(gcs(impersonation))).steps[0]!
  assert.equal(ofTeam.effectSeconds, 420)
  assert.match(ofTeam.document!, /--member serviceAccount:vision@p\.iam/)
  const ofOther = (await ladderOf(gcs(impersonation), ask({ team: 'speech' }))).steps[0]!
  assert.match(ofOther.document!, /--member serviceAccount:signer@p\.iam/)
  assert.doesNotMatch(JSON.stringify(ofOther), /vision@/)
})

test("delegation keys end for the whole storage account; an account key's SAS name no access policy", async () => {
  const entra = await ladderOf(azure({ type: 'managedIdentity' }))
  assert.deepEqual(namesOf(entra), [
    ['revoke-delegation-keys', 'document', 'account'],
    ['rotate-credential', 'document', 'credential'],
  ])
  assert.match(
    entra.steps[0]!.document!,
    /^az storage account revoke-delegation-keys --name acct --resource-group FILL-IN/,
  )
  assert.match(entra.steps[0]!.document!, /storageAccounts\/acct\/revokeUserDelegationKeys\?api-version=/)
  assert.equal(entra.steps[0]!.effectSeconds, null, 'Azure states no delay')
  const keyed = await ladderOf(azure({ type: 'accountKey', accountKey: 'bmV2ZXItc2hvd24=' }))
  assert.deepEqual(namesOf(keyed), [
    ['remove-access-policy', 'no', 'nobody'],
    ['rotate-credential', 'document', 'account'],
  ])
  assert.match(keyed.cannot[0]!, /everybody's on the storage account acct/)
  assert.doesNotMatch(JSON.stringify(keyed), /bmV2ZX/)
})
