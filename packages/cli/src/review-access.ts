/** A review of access: as a table or CSV, and what of it nobody has used, by name. */
import { writeFile } from 'node:fs/promises'
import type { AccessReviewLine } from '@signpost/contract'
import type { Context } from './context.ts'
import { csvLine } from './csv.ts'
import { everything } from './everything.ts'
import { keyScopeText } from './key-scope-flags.ts'
import { printableLine } from './text.ts'

export interface ReviewOptions {
  team?: string
  unusedDays: number
  unused?: true
  csv?: string
}

type Cell = string | number | boolean | null

const csvColumns: Readonly<Record<string, (line: AccessReviewLine) => Cell>> = {
  username: (line) => line.username,
  kind: (line) => line.kind,
  active: (line) => line.active,
  organisationRole: (line) => line.organisationRole,
  team: (line) => line.team,
  role: (line) => line.role,
  permissions: (line) => line.permissions.join(' '),
  restrictedPrefixes: (line) => line.prefixes.join('; '),
  memberSince: (line) => line.memberSince,
  lastUsedAt: (line) => line.lastUsedAt,
  unused: (line) => line.unused,
  apiKeyId: (line) => line.apiKeyId,
  keyKind: (line) => line.keyKind,
  keyName: (line) => line.keyName,
  keyScope: (line) => (line.apiKeyId === null ? null : keyScopeText(line.keyScope)),
  keyLastUsedAt: (line) => line.keyLastUsedAt,
  keyExpiresAt: (line) => line.keyExpiresAt,
}

const columns = {
  USERNAME: (line: AccessReviewLine) => line.username + (line.active ? '' : ' (deactivated)'),
  'WAY IN': wayIn,
  MAY: (line: AccessReviewLine) => (line.apiKeyId === null ? roleText(line) : keyScopeText(line.keyScope)),
  'LAST USED': (line: AccessReviewLine) =>
    (line.apiKeyId === null ? line.lastUsedAt : line.keyLastUsedAt) ?? 'never',
  UNUSED: (line: AccessReviewLine) => (line.unused ? 'unused' : ''),
}

function wayIn({ team, apiKeyId, keyKind, keyName, keyExpiresAt }: AccessReviewLine): string {
  const expired = keyExpiresAt !== null && Date.parse(keyExpiresAt) <= Date.now() ? ', expired' : ''
  if (apiKeyId !== null) return `${keyKind === 'apiKey' ? 'key' : keyKind} ${apiKeyId} (${keyName})${expired}`
  return team === null ? 'organisation' : `team ${team}`
}

function roleText({ team, role, organisationRole, prefixes }: AccessReviewLine): string {
  if (team === null) return organisationRole
  return [role, ...prefixes].join(', ')
}

export async function reviewAccess(context: Context, options: ReviewOptions): Promise<void> {
  const { team, unusedDays, csv } = options
  const client = await context.connect()
  const query = { unusedDays, ...(team === undefined ? {} : { team }) }
  const all = await everything(client.stream('reviewAccess', { query }, { signal: context.signal }))
  const lines = options.unused ? all.filter(({ unused }) => unused) : all
  if (csv === undefined) context.printList(lines, columns)
  else await writeCsv(context, lines, csv)
  if (!context.json) tellUnused(context, all, options)
}

async function writeCsv(context: Context, lines: readonly AccessReviewLine[], file: string): Promise<void> {
  const cells = Object.values(csvColumns)
  const text = [
    csvLine(Object.keys(csvColumns)),
    ...lines.map((line) => csvLine(cells.map((cell) => cell(line)))),
  ].join('')
  if (file === '-') return void context.io.stdout.write(text)
  await writeFile(file, text, { mode: 0o600 })
  if (context.json) context.printJson({ file, lines: lines.length })
  else context.print(`${lines.length} lines in ${printableLine(file)}`)
}

/** What could be taken away, to standard error: the result stays a table. */
function tellUnused(
  context: Context,
  lines: readonly AccessReviewLine[],
  { unusedDays, team }: ReviewOptions,
): void {
  const unused = lines.filter((line) => line.unused)
  const memberships = unused.filter((line) => line.team !== null)
  const keys = unused.filter(({ apiKeyId }) => apiKeyId !== null)
  const isAccount = ({ kind, apiKeyId, team: of }: AccessReviewLine) =>
    kind === 'serviceAccount' && apiKeyId === null && (of === null || team !== undefined)
  const accounts = [...new Set(unused.filter(isAccount).map(({ username }) => username))]
  const told = [
    ...accounts.map((username) => `service account ${username}`),
    ...memberships.map(({ username, team: of }) => `membership of ${username} in ${of}`),
    ...keys.map(({ username, apiKeyId, keyName }) => `key ${apiKeyId} (${keyName}) of ${username}`),
  ]
  if (told.length === 0) return context.note(`everything was used within ${unusedDays} days`)
  context.note(`not used for ${unusedDays} days:`)
  for (const one of told) context.note(`  ${printableLine(one)}`)
}
