/** What only the owner of the credential can do: put another in its place, or end what came of it. */
import type { ResolvedSettings } from '@signpost/contract'
import type { BucketStep, RevocationAsk } from '../../domain/revocation.ts'
import { shellWord } from '../policies/document.ts'
import { wholeSecond } from '../policies/s3-revocation.ts'
import { documentOf } from '../policies/statement.ts'

type S3 = Extract<ResolvedSettings, { kind: 's3' }>

/** "Revoking IAM role temporary security credentials": what the console's button puts into the role. */
export function endSessionsElsewhere({ credential }: S3, ask: RevocationAsk): BucketStep | undefined {
  if (credential.type !== 'assumeRole' && credential.type !== 'environment') return undefined
  const policy = documentOf([
    {
      Effect: 'Deny',
      Action: ['*'],
      Resource: ['*'],
      Condition: { DateLessThan: { 'aws:TokenIssueTime': wholeSecond(ask.at) } },
    },
  ])
  const role =
    credential.type === 'assumeRole' ? shellWord(credential.roleArn.split('/').at(-1)!) : 'FILL-IN-ROLE'
  const document = `# For the role itself: it ends its sessions at every bucket. Needs iam:PutRolePolicy.
cat > revoke-older-sessions.json <<'JSON'
${JSON.stringify(policy, null, 2)}
JSON
aws iam put-role-policy --role-name ${role} --policy-name AWSRevokeOlderSessions \\
  --policy-document file://revoke-older-sessions.json`
  return {
    step: 'end-sessions',
    can: 'document',
    stops: 'live',
    effectSeconds: null,
    detail:
      "If the server's own credential is that of a role: this policy of the role ends what was signed with its sessions before now. AWS says no time (IAM is eventually consistent). Then give the connector its settings again (`signpost connector update`), so that Signpost asks for new ones.",
    document,
    reach: 'credential',
  }
}

export function rotateS3(settings: S3): BucketStep {
  const { name, credential } = settings
  const step = {
    step: 'rotate-credential',
    can: 'document',
    stops: 'live',
    effectSeconds: null,
    reach: 'credential',
  } as const
  const give = `signpost connector update ${shellWord(name)} --access-key-id NEW-ID --secret-access-key-file FILE`
  switch (credential.type) {
    case 'static':
      return {
        ...step,
        detail:
          "The old key is deleted or deactivated at the store: every URL that was signed with it ends, everybody's, and none can be exempted. AWS says no time (IAM is eventually consistent).",
        document: `# 1. A new key for the same user, given to Signpost (it is tried before it is taken):
${give}
#    Where the secret comes by reference ({env} or {file}): put the new one there instead; \`signpost connector show\` tells when it is taken.
# 2. Then the old one, at AWS:
aws iam update-access-key --access-key-id ${shellWord(credential.accessKeyId)} --status Inactive
#    (on Ceph: radosgw-admin key rm --access-key ${shellWord(credential.accessKeyId)} --key-type s3; on MinIO: mc admin user svcacct rm)`,
      }
    case 'assumeRole':
    case 'federationToken':
      return {
        ...step,
        detail:
          credential.type === 'assumeRole'
            ? 'A new key for whoever assumes the role ends no session that is open: end-sessions does. Replace the key if it leaked.'
            : "Sessions of a federated user have the rights of the user whose key asked for them: a deny in that user's policy ends them; deleting the key alone may not.",
        document: `# A new key for the identity that asks for sessions, given to Signpost:
${give}`,
      }
    case 'coreweaveOidc':
      return {
        ...step,
        detail:
          "CoreWeave: revoke the access key that the exchange gave (at most 12 h old) in its console; every URL that was signed with it ends, everybody's. CoreWeave says no time.",
        document:
          "# In CoreWeave's console: Object Storage, Access Keys: revoke the keys of this identity. Then restart Signpost, so that it exchanges its token anew.",
      }
    case 'environment':
      return {
        ...step,
        detail:
          "The server's own credential: replace or deactivate it where it comes from; every URL that was signed with it ends, everybody's.",
        document:
          '# Replace the credential of the machine, container or profile that Signpost runs with, and restart Signpost.',
      }
  }
}
