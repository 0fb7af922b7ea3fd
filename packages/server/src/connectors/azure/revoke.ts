/** What can be done about Azure's SAS that are out: they end with the key that signed them, or its identity's rights. */
import type { ResolvedSettings } from '@signpost/contract'
import type { BucketRevocation, BucketStep } from '../../domain/revocation.ts'
import { shellWord } from '../policies/document.ts'

type Azure = Extract<ResolvedSettings, { kind: 'azure' }>

const group = 'FILL-IN-RESOURCE-GROUP'
const step = { stops: 'live', effectSeconds: null, reach: 'account' } as const

export function azureRevocation(settings: Azure): BucketRevocation {
  const isAccountKey = settings.credential.type === 'accountKey'
  return {
    ladder: () =>
      Promise.resolve({
        steps: isAccountKey
          ? [removeAccessPolicy(), renewAccountKey(settings)]
          : [revokeDelegationKeys(settings), removeRole(settings)],
        cannot: [
          `${settings.name}: Azure can take back no single SAS of Signpost and no single requester's: they end with the key that signed them, everybody's on the storage account ${settings.account}; or their object is moved or deleted.`,
        ],
      }),
  }
}

/** "Create a service SAS": only one that names a stored access policy ends with it. */
function removeAccessPolicy(): BucketStep {
  return {
    ...step,
    step: 'remove-access-policy',
    can: 'no',
    detail:
      "Signpost's SAS name no stored access policy (a container has five at most, and each would be for many URLs), so that there is none to remove.",
    document: null,
    reach: 'nobody',
  }
}

function renewAccountKey({ account, name }: Azure): BucketStep {
  const [word, where] = [shellWord(account), `--resource-group ${group}`]
  return {
    ...step,
    step: 'rotate-credential',
    can: 'document',
    detail:
      'An account has two keys. The one that signed is renewed: every SAS that it signed ends, those of others than Signpost too. Azure says no time.',
    document: `# 1. Give Signpost the account's other key:
az storage account keys list --account-name ${word} ${where} --query '[].keyName'
signpost connector update ${shellWord(name)} --account-key-file FILE
# 2. Then renew the one it had (primary or secondary):
az storage account keys renew --account-name ${word} ${where} --key primary`,
  }
}

/** "Revoke a user delegation SAS". */
function revokeDelegationKeys({ account, name }: Azure): BucketStep {
  const word = shellWord(account)
  return {
    ...step,
    step: 'revoke-delegation-keys',
    can: 'document',
    detail:
      'Ends every user delegation SAS of the storage account, whoever asked for its key. Azure says: the keys are cached, so that there may be a delay, of no stated length. It takes a right on the account that Signpost does not need otherwise.',
    document: `az storage account revoke-delegation-keys --name ${word} --resource-group ${group}
# or by Azure's own API:
az rest --method post --url 'https://management.azure.com/subscriptions/FILL-IN-SUBSCRIPTION/resourceGroups/${group}/providers/Microsoft.Storage/storageAccounts/${account}/revokeUserDelegationKeys?api-version=2023-01-01'
# Then give the connector its credential again, so that Signpost asks for a new key:
signpost connector update ${shellWord(name)} --help`,
  }
}

/** A SAS has the rights that its signer has when it is used. */
function removeRole({ account, bucket, credential }: Azure): BucketStep {
  const who = 'clientId' in credential && credential.clientId ? credential.clientId : 'FILL-IN-THE-IDENTITY'
  return {
    ...step,
    step: 'rotate-credential',
    can: 'document',
    detail:
      'A user delegation SAS has the rights that its identity has when it is used: without its role on the container it is refused, and new ones too, until the role is given again. Role assignments are cached as well. A new client secret alone ends nothing.',
    document: `az role assignment delete --assignee ${shellWord(who)} \\
  --role 'Storage Blob Data Contributor' \\
  --scope ${shellWord(`/subscriptions/FILL-IN-SUBSCRIPTION/resourceGroups/${group}/providers/Microsoft.Storage/storageAccounts/${account}/blobServices/default/containers/${bucket}`)}
# For new URLs meanwhile: another identity with that role, given to the connector.`,
    reach: 'credential',
  }
}
