/** What can be done about Google's URLs that are out: they carry the rights of a service account, and end with those. */
import type { ResolvedSettings } from '@signpost/contract'
import type { BucketRevocation, BucketStep, RevocationAsk } from '../../domain/revocation.ts'
import { shellWord } from '../policies/document.ts'

type Gcs = Extract<ResolvedSettings, { kind: 'gcs' }>

/** "Access change propagation" of IAM: typically 2 minutes, potentially 7 or more. */
const policyChangeSeconds = 420
const propagation = 'IAM says: typically 2 minutes, potentially 7 or longer.'

export function gcsRevocation(settings: Gcs): BucketRevocation {
  return {
    ladder: (ask) => {
      const { name, credential } = settings
      const teamOnly = credential.type === 'impersonation' && accountOf(credential, ask) !== undefined
      return Promise.resolve({
        steps: [
          ...(credential.type === 'hmacKey' ? [deactivateHmacKey(credential.accessId)] : []),
          rotate(settings, ask),
        ],
        cannot: [
          `${name}: Google can take back no single URL and no single requester's: its URLs end with their service account's rights${teamOnly ? ', which is one for the team' : ", everybody's"}; or their object is moved or deleted.`,
        ],
      })
    },
  }
}

const step = { can: 'document', stops: 'live', reach: 'credential' } as const

/** "HMAC keys", states: an inactive key signs nothing, and can be made active again. */
function deactivateHmacKey(accessId: string): BucketStep {
  return {
    ...step,
    step: 'deactivate-hmac-key',
    effectSeconds: null,
    detail:
      'An inactive HMAC key signs nothing more, and no URL that it signed works; it can be made active again. An HMAC key has no rights to change itself, so its owner must. Google says no time.',
    document: `# Needs storage.hmacKeys.update in the project of the key.
gcloud storage hmac update ${shellWord(accessId)} --deactivate
# Take it back: gcloud storage hmac update ${shellWord(accessId)} --activate`,
  }
}

function rotate(settings: Gcs, ask: RevocationAsk): BucketStep {
  const { credential, bucket } = settings
  const give = `signpost connector update ${shellWord(settings.name)}`
  if (credential.type === 'hmacKey')
    return {
      ...step,
      step: 'rotate-credential',
      effectSeconds: null,
      detail: 'A new HMAC key for Signpost first; then the old one is made inactive, and deleted.',
      document: `# 1. gcloud storage hmac create SERVICE-ACCOUNT, and give the new key to Signpost:
${give} --hmac-access-id NEW-ID --hmac-secret-file FILE
# 2. Then the old one:
gcloud storage hmac update ${shellWord(credential.accessId)} --deactivate
gcloud storage hmac delete ${shellWord(credential.accessId)}`,
    }
  if (credential.type === 'serviceAccountKey') {
    const account = shellWord(credential.clientEmail)
    return {
      ...step,
      step: 'rotate-credential',
      effectSeconds: null,
      detail:
        'Deleting the key ends what it signed; taking the right of its service account on the bucket ends all that this account signed. ' +
        propagation,
      document: `# 1. A new key of the service account (or another account's), given to Signpost: see \`signpost connector update --help\`.
# 2. Then the old one, by its id:
gcloud iam service-accounts keys list --iam-account ${account}
gcloud iam service-accounts keys delete KEY-ID --iam-account ${account}`,
    }
  }
  const account = accountOf(credential, ask) ?? credential.serviceAccount
  return {
    ...step,
    step: 'rotate-credential',
    effectSeconds: policyChangeSeconds,
    detail: `URLs carry the rights of ${account} at the moment of their use: without its role on the bucket they are refused, new ones too, until it is given again. ${propagation}`,
    document: `# Find its roles on the bucket, and take them:
gcloud storage buckets get-iam-policy ${shellWord(`gs://${bucket}`)}
gcloud storage buckets remove-iam-policy-binding ${shellWord(`gs://${bucket}`)} \\
  --member ${shellWord(`serviceAccount:${account}`)} --role FILL-IN-ROLE
# For new URLs meanwhile: another service account with that role, given to the connector.`,
  }
}

type Impersonation = Extract<Gcs['credential'], { type: 'impersonation' }>

/** One for the team alone; undefined: it has none. */
function accountOf({ teamServiceAccounts }: Impersonation, { team }: RevocationAsk): string | undefined {
  return teamServiceAccounts?.find((one) => one.team === team)?.serviceAccount
}
