/** Azure: resource logs of the blob service. "Monitor Azure Blob Storage", "Diagnostic settings in Azure Monitor". */
import type { PolicyDocument } from '@signpost/contract'
import { jsonDocument, policyDocument, shellWord, terraformDocument } from '../policies/document.ts'
import { hclBlock, hclName } from '../policies/hcl.ts'
import { accountIdToFillIn, groupToFillIn, logAccountIdToFillIn, readerToFillIn } from './placeholders.ts'
import { inBucket, way, type AzureLoggingInput, type Way } from './way.ts'

const [group, accountId, logAccountId] = [groupToFillIn, accountIdToFillIn, logAccountIdToFillIn]
const categories = ['StorageRead', 'StorageWrite', 'StorageDelete'] as const

export function azureLogs(input: AzureLoggingInput): Way {
  const about = {
    title: 'Resource logs of the blob service (diagnostic setting)',
    tells:
      'the URL with its scid, by which user and object are told; the very URL where only one was given for it at that time',
    documents: documents(input),
  }
  // Each category has a container of its own, and a connector opens one.
  const places = categories.map((category) => {
    const place = inBucket({ ...input, reader: input.reader ?? readerToFillIn }, 'resourceId=')
    const container = `insights-logs-${category.toLowerCase()}`
    return { ...place, reader: input.reader ?? container }
  })
  return way(input, 'azure-resource', about, places)
}

function documents({ settings: { account, name }, target }: AzureLoggingInput): PolicyDocument[] {
  const title = 'Diagnostic setting of the blob service'
  const resource = `${accountId}/blobServices/default`
  const logs = categories.map((category) => ({ category, enabled: true }))
  const command = `ACCOUNT_ID=$(az storage account show --name ${shellWord(account)} --query id --output tsv)
LOG_ACCOUNT_ID=$(az storage account show --name ${shellWord(target.bucket)} --query id --output tsv)
az monitor diagnostic-settings create --name ${shellWord(`signpost-${name}`)} \\
  --resource "$ACCOUNT_ID/blobServices/default" --storage-account "$LOG_ACCOUNT_ID" \\
  --logs ${shellWord(JSON.stringify(logs))}`
  const block = hclBlock(
    ['resource', 'azurerm_monitor_diagnostic_setting', `signpost_${hclName(name)}`],
    { name: `signpost-${name}`, target_resource_id: resource, storage_account_id: logAccountId },
    categories.map((category) => hclBlock(['enabled_log'], { category })),
  )
  const notes = [
    'For the blobs of the whole account: all its containers. The log account is in the same region and another account than the one that is logged.',
    `Each category is written to a container of its own: ${categories.map((one) => `insights-logs-${one.toLowerCase()}`).join(', ')}, which Azure makes. Connect each, with a credential that may read it (Storage Blob Data Reader), and make a log source for each.`,
    `It is a setting of Azure's resource manager: it takes Microsoft.Insights/diagnosticSettings/write, which a credential for blobs has not. Signpost can neither read nor set it.`,
  ]
  return [
    policyDocument('diagnostic-setting', title, 'shell', command, notes),
    jsonDocument('diagnostic-setting', title, { properties: { storageAccountId: logAccountId, logs } }, [
      `For PUT on ${resource}/providers/Microsoft.Insights/diagnosticSettings/signpost-${name}?api-version=2021-05-01-preview; put the ids of the two storage accounts (in resource group ${group}, /subscriptions/...) in their places.`,
      ...notes,
    ]),
    terraformDocument(
      'diagnostic-setting',
      title,
      [block],
      [
        `Put the ids of the storage accounts (/subscriptions/...) for ${accountId} and ${logAccountId}.`,
        ...notes,
      ],
    ),
  ]
}
