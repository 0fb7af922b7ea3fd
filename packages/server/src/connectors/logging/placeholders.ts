/** What stands in documents for what Signpost cannot know. All of them begin with FILL-IN. */
import type { LoggingPlan } from '@signpost/contract'

type Placeholder = LoggingPlan['placeholders'][number]

export const accountToFillIn = 'FILL-IN-ACCOUNT-ID'
export const trailToFillIn = 'FILL-IN-TRAIL'
export const logBucketToFillIn = 'FILL-IN-LOG-BUCKET'
/** Stands for a connector that is still to be made; a name, as log sources take it. */
export const readerToFillIn = 'fill-in-connector-of-the-log-bucket'
export const tokenToFillIn = 'FILL-IN-THE-TOKEN'
export const projectToFillIn = 'FILL-IN-PROJECT'
export const pusherToFillIn = 'FILL-IN@PROJECT.iam.gserviceaccount.com'
export const groupToFillIn = 'FILL-IN-RESOURCE-GROUP'
export const accountIdToFillIn = 'FILL-IN-THE-ID-OF-THE-STORAGE-ACCOUNT'
export const logAccountIdToFillIn = 'FILL-IN-THE-ID-OF-THE-LOG-ACCOUNT'
export const cephServiceToFillIn = 'FILL-IN-SERVICE'
export const aliasToFillIn = 'FILL-IN-ALIAS'
export const logsDirToFillIn = 'FILL-IN-LOGS-DIR'

const yours = (text: string, means: string): Placeholder => ({ text, means, option: null })

const all: readonly Placeholder[] = [
  {
    text: logBucketToFillIn,
    means: 'the bucket (on Azure: the storage account) that takes the log files',
    option: 'target',
  },
  yours(readerToFillIn, 'the connector that opens the bucket of the log files, once you have made one'),
  yours(accountToFillIn, 'the id of the AWS account that the bucket is in: 12 digits'),
  yours(trailToFillIn, 'the name of the trail'),
  yours(tokenToFillIn, 'the token that the log source shows when it is made'),
  yours(projectToFillIn, 'the Google Cloud project of the bucket'),
  yours(pusherToFillIn, 'the service account that the Pub/Sub subscription pushes as'),
  yours(groupToFillIn, 'the resource group'),
  yours(accountIdToFillIn, "the storage account's resource id: /subscriptions/..."),
  yours(logAccountIdToFillIn, "the log account's resource id: /subscriptions/..."),
  yours(cephServiceToFillIn, 'the name of the RGW service, as `ceph orch ls` shows it'),
  yours(aliasToFillIn, "the server's name in `mc`"),
  yours(logsDirToFillIn, "the server's SIGNPOST_LOGS_DIR"),
]

export function placeholdersIn(value: unknown): Placeholder[] {
  const text = JSON.stringify(value)
  return all.filter((one) => holds(text, one.text) || holds(text, one.text.toLowerCase()))
}

/** As a word: FILL-IN-THE-ID is none of FILL-IN-THE-ID-OF-... */
function holds(text: string, placeholder: string): boolean {
  for (let at = text.indexOf(placeholder); at !== -1; at = text.indexOf(placeholder, at + 1))
    if (!/[-\w]/.test(text[at + placeholder.length] ?? '')) return true
  return false
}
