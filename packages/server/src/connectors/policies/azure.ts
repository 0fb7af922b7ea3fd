/** Azure: the account's firewall, its limit on the life of SAS, roles, CORS. All but the container's role are the whole account's. */
import type { ConnectorSettings, PolicyDocument } from '@signpost/contract'
import { jsonDocument, policyDocument, shellWord, terraformDocument } from './document.ts'
import { hclBlock, hclName } from './hcl.ts'
import type { PolicyInput } from './input.ts'
import { addressesOf, isPrivate, networkForms } from './network-forms.ts'
import { originsOf } from './s3-rules.ts'
import { wholeBucketNetworks } from './whole-bucket.ts'

export type AzurePolicyInput = PolicyInput & { settings: Extract<ConnectorSettings, { kind: 'azure' }> }

const group = 'FILL-IN-RESOURCE-GROUP'
const groupNote = `Put the account's resource group in place of ${group}.`
const accountId = 'FILL-IN-THE-ID-OF-THE-STORAGE-ACCOUNT'
const accountNote = `Put the id of the storage account (/subscriptions/...) in place of ${accountId}.`
const principal = 'FILL-IN-THE-OBJECT-ID-OF-THE-IDENTITY'

export function azureNetwork(input: AzurePolicyInput): {
  documents: PolicyDocument[]
  notEnforceable: string[]
} {
  const { networks, sentences } = wholeBucketNetworks(input)
  if (networks.length === 0) return { documents: [], notEnforceable: sentences }
  const { v4, v6, endpoints } = networkForms(networks)
  const notEnforceable = [...sentences]
  const publicOnes = v4.filter((cidr) => !isPrivate(cidr.split('/')[0]!))
  if (publicOnes.length < v4.length)
    notEnforceable.push(
      "IP rules take public addresses alone: private ones come in by virtual network rules or private endpoints, which the account's owner adds.",
    )
  if (v6.length > 0) notEnforceable.push(`IP rules and sip are IPv4: ${v6.join(', ')} count for nobody.`)
  if (endpoints.length > 0)
    notEnforceable.push('VPC endpoints (vpce-...) are of AWS: here they count for nobody.')
  notEnforceable.push(
    "The firewall is the whole account's, for this server's own requests too: the address under which Azure sees it has to be in the list.",
    'Clients in the region of the account come by a private path, which IP rules and sip do not know: they are shut out, unless virtual network rules or private endpoints let them in.',
  )
  return { documents: firewallDocuments(input, publicOnes.flatMap(ipRules)), notEnforceable }
}

/** "Configure Azure Storage firewalls": ranges up to /30; /31 and /32 are to be written as addresses. */
function ipRules(cidr: string): string[] {
  return Number(cidr.split('/')[1]) > 30 ? addressesOf(cidr) : [cidr]
}

function firewallDocuments(
  { settings: { account, name } }: AzurePolicyInput,
  rules: string[],
): PolicyDocument[] {
  const title = 'Firewall of the storage account'
  const networkAcls = {
    defaultAction: 'Deny',
    bypass: 'None',
    ipRules: rules.map((value) => ({ value })),
    virtualNetworkRules: [],
  }
  const notes = [
    'For the whole account, not the container alone. Takes the place of the rules that are there: add what you have, and the addresses of this server.',
  ]
  const where = `--resource-group ${shellWord(group)} --account-name ${shellWord(account)}`
  const add = rules.map(
    (rule) => `az storage account network-rule add ${where} --ip-address ${shellWord(rule)}`,
  )
  const close = `az storage account update --resource-group ${shellWord(group)} --name ${shellWord(account)} --default-action Deny --bypass None`
  const block = hclBlock(['resource', 'azurerm_storage_account_network_rules', `signpost_${hclName(name)}`], {
    storage_account_id: accountId,
    default_action: 'Deny',
    bypass: ['None'],
    ip_rules: rules,
  })
  return [
    jsonDocument('network', title, { properties: { networkAcls } }, [
      'For PATCH on the storage account.',
      ...notes,
    ]),
    policyDocument('network', title, 'shell', [...add, close].join('\n'), [groupNote, ...notes]),
    terraformDocument('network', title, [block], [accountNote, ...notes]),
  ]
}

export function azureDocuments(input: AzurePolicyInput): PolicyDocument[] {
  return [
    ...azureNetwork(input).documents,
    ...sasDocuments(input),
    ...roleDocuments(input),
    ...corsDocuments(input),
  ]
}

/** Days.hours:minutes:seconds. */
export function timeSpan(seconds: number): string {
  const two = (number: number) => String(Math.floor(number)).padStart(2, '0')
  const [days, hours, minutes] = [
    Math.floor(seconds / 86_400),
    (seconds % 86_400) / 3600,
    (seconds % 3600) / 60,
  ]
  return `${days}.${two(hours)}:${two(minutes)}:${two(seconds % 60)}`
}

function sasDocuments({ settings, expiry }: AzurePolicyInput): PolicyDocument[] {
  const longest = Math.max(expiry.readSecondsMax, expiry.writeSecondsMax)
  const title = 'Longest life of SAS, and no shared keys'
  const isUserDelegation = settings.credential.type !== 'accountKey'
  const properties = {
    // Signatures of ours may begin a quarter of an hour back.
    sasPolicy: { sasExpirationPeriod: timeSpan(longest + 900), expirationAction: 'Block' },
    ...(isUserDelegation ? { allowSharedKeyAccess: false } : {}),
    supportsHttpsTrafficOnly: true,
  }
  const notes = [
    "For the whole account, whoever else uses it. Whether it holds user delegation SAS too could not be confirmed; Signpost's own limits count in any case.",
    ...(isUserDelegation
      ? [
          'allowSharedKeyAccess false leaves user delegation SAS alone: look first who else uses the account key.',
        ]
      : [
          'This connector signs with the account key: an Entra application would let you turn shared keys off.',
        ]),
  ]
  const block = hclBlock(['resource', 'azapi_update_resource', `signpost_${hclName(settings.name)}_sas`], {
    type: 'Microsoft.Storage/storageAccounts@2024-01-01',
    resource_id: accountId,
    body: { properties },
  })
  return [
    jsonDocument('sas-policy', title, { properties }, ['For PATCH on the storage account.', ...notes]),
    terraformDocument('sas-policy', title, [block], [accountNote, ...notes]),
  ]
}

/** "Create a user delegation SAS": the key is the account's, the data the container's. */
function roleDocuments({ settings }: AzurePolicyInput): PolicyDocument[] {
  const { account, bucket, name, credential } = settings
  if (credential.type === 'accountKey') return []
  const title = 'Roles of the identity that signs'
  const scopeOf = (id: string) => ({
    account: id,
    container: `${id}/blobServices/default/containers/${bucket}`,
  })
  const roles = [
    { role: 'Storage Blob Delegator', of: 'account', kept: 'delegator' },
    { role: 'Storage Blob Data Contributor', of: 'container', kept: 'data' },
  ] as const
  const notes = [
    'A SAS gives what both it and the identity may do, at the time of use.',
    `Put the object id of the application or managed identity in place of ${principal}.`,
  ]
  const find = `ACCOUNT_ID=$(az storage account show --name ${shellWord(account)} --query id --output tsv)`
  const assign = roles.map(
    ({ role, of }) =>
      `az role assignment create --assignee-object-id ${principal} --assignee-principal-type ServicePrincipal \\\n  --role ${shellWord(role)} --scope "${scopeOf('$ACCOUNT_ID')[of].replaceAll(/(?<=.)\$/g, '\\$')}"`,
  )
  const block = ({ role, of, kept }: (typeof roles)[number]) =>
    hclBlock(['resource', 'azurerm_role_assignment', `signpost_${hclName(name)}_${kept}`], {
      scope: scopeOf(accountId)[of],
      role_definition_name: role,
      principal_id: principal,
    })
  return [
    policyDocument('iam-signer', title, 'shell', [find, ...assign].join('\n'), notes),
    terraformDocument('iam-signer', title, roles.map(block), [accountNote, ...notes]),
  ]
}

/** x-ms-blob-type is needed to write a blob. */
function corsDocuments({ settings, origins: wanted }: AzurePolicyInput): PolicyDocument[] {
  const { origins, notes: originNotes } = originsOf(wanted)
  const title = 'CORS rules for pages that upload and download'
  const notes = [
    'For the blobs of the whole account. Takes the place of the rules that are there.',
    ...originNotes,
  ]
  const rule = {
    allowedOrigins: origins,
    allowedMethods: ['GET', 'HEAD', 'PUT', 'OPTIONS'],
    allowedHeaders: ['*'],
    exposedHeaders: ['ETag', 'Content-Range', 'Content-Length', 'x-ms-request-id'],
    maxAgeInSeconds: 3000,
  }
  const properties = { cors: { corsRules: [rule] } }
  const command = `az storage cors add --services b --account-name ${shellWord(settings.account)} \\
  --origins ${origins.map(shellWord).join(' ')} --methods ${rule.allowedMethods.join(' ')} \\
  --allowed-headers '*' --exposed-headers ${rule.exposedHeaders.join(' ')} --max-age ${rule.maxAgeInSeconds}`
  const block = hclBlock(['resource', 'azapi_update_resource', `signpost_${hclName(settings.name)}_cors`], {
    type: 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01',
    resource_id: `${accountId}/blobServices/default`,
    body: { properties },
  })
  return [
    jsonDocument('cors', title, { properties }, [
      'For PUT on blobServices/default of the account.',
      ...notes,
    ]),
    policyDocument('cors', title, 'shell', command, originNotes),
    terraformDocument('cors', title, [block], [accountNote, ...notes]),
  ]
}
