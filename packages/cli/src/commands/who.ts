import type { Command } from 'commander'
import type { Reply, WhoCould, WhoDid, WhoHeld, WhoLink } from '@signpost/contract'
import { isRemote, remoteObject } from '../address.ts'
import { handler, type Context, type Run } from '../context.ts'
import { examples } from '../examples.ts'
import { findingLines } from '../finding-shown.ts'
import { parseInstant } from '../parse.ts'
import { movedBytes, plural, printableLine } from '../text.ts'

interface SpanOptions {
  from?: string
  to?: string
}

const could = {
  TEAM: (one: WhoCould) => one.team,
  WHO: (one: WhoCould) => one.username,
  READ: ({ read }: WhoCould) => mayText(read),
  WRITE: ({ write }: WhoCould) => mayText(write),
  DELETE: (one: WhoCould) => mayText(one.delete),
}
const links = {
  'MADE BY': (one: WhoLink) => one.username,
  FOR: (one: WhoLink) => `sp://${one.team}/${one.of}`,
  USES: ({ uses, usesMax }: WhoLink) => (usesMax === null ? uses : `${uses} of ${usesMax}`),
  EXPIRES: (one: WhoLink) => one.expiresAt,
  LINK: (one: WhoLink) => one.id,
}
const held = {
  WHO: (one: WhoHeld) => one.username,
  METHOD: (one: WhoHeld) => one.method,
  ISSUED: (one: WhoHeld) => one.issuedAt,
  EXPIRES: (one: WhoHeld) => one.expiresAt,
  'ASKED FROM': (one: WhoHeld) => one.askedFrom,
  USED: ({ uses }: WhoHeld) => (uses === 0 ? 'not seen' : plural(uses, 'time')),
  GRANT: (one: WhoHeld) => one.grantId,
}
/** Where keys of this name lie in more than one bucket. */
const where = { CONNECTOR: (one: { connector: string }) => one.connector }
const did = {
  WHO: (one: WhoDid) => one.username ?? 'not proven',
  WHAT: ({ action, refused }: WhoDid) => (refused ? `${action}, refused` : action),
  FROM: (one: WhoDid) => one.address,
  TIMES: (one: WhoDid) => one.count,
  BYTES: (one: WhoDid) => movedBytes(one),
  FIRST: (one: WhoDid) => one.firstAt,
  LAST: (one: WhoDid) => one.lastAt,
  FINDING: (one: WhoDid) => one.finding,
}

/** `allow:team_viewer` -> `yes`; `deny:restricted` -> `no (restricted)`. */
function mayText(word: string): string {
  const [outcome, reason = ''] = word.split(':')
  return outcome === 'allow' ? 'yes' : `no (${reason})`
}

export function addWho(program: Command, run: Run): void {
  program
    .command('who')
    .description('who could reach an object, who held a URL for it, and who did')
    .argument('<address>', 'sp://team/key, or the whole key in the bucket')
    .option('--from <time>', 'from this instant, or so long ago; 30 days unless told', parseInstant)
    .option('--to <time>', 'before this instant; now unless told', parseInstant)
    .addHelpText(
      'after',
      examples(
        'signpost who sp://vision/payroll/march.csv',
        'signpost who vision/payroll/march.csv --from 90d --json',
      ),
    )
    .action(
      handler(run, async (context, [address]: [string], { from, to }: SpanOptions) => {
        const object = isRemote(address) ? remoteObject(address) : { key: address }
        const query = {
          ...object,
          ...(from === undefined ? {} : { from }),
          ...(to === undefined ? {} : { to }),
        }
        const client = await context.connect()
        show(context, await client.call('whoAccessed', { query }, { signal: context.signal }))
      }),
    )
}

/** Somebody who slips gets an empty answer, which reads as if nobody ever came. */
function hintLines({ hint, held, did }: Reply<'whoAccessed'>): string[] {
  if (hint === null)
    return held.length + did.length > 0 ? [] : ['it is known from another time: widen --from and --to']
  const first = 'nobody ever asked for this key, and no log tells of it'
  const [one] = hint.similar
  const same = hint.similar.map(({ team, key }) => (team === null ? key : `sp://${team}/${key}`))
  if (one) return [`${first}: do you mean ${same.map((text) => printableLine(text)).join(', or ')}?`]
  return hint.isOfTeam
    ? [
        `${first}: is it spelt right? In sp://team/key, the key is relative to the team: its prefix is left out`,
      ]
    : [`${first}: it is below no team's prefix. Write sp://team/key, or the whole key in the bucket`]
}

function show(context: Context, told: Reply<'whoAccessed'>): void {
  if (context.json) return context.printJson(told)
  context.print(`${printableLine(told.key)}, from ${told.from} to ${told.to}`)
  const section = <T>(
    title: string,
    none: string,
    items: readonly T[],
    columns: Record<string, (item: T) => string | number | null>,
  ) => {
    context.print(`\n${title}`)
    if (items.length === 0) context.print(`  ${none}`)
    else context.printList(items, columns)
  }
  if (told.could === null) context.note('who could: for who may review access as well')
  else section('Could, as of now', 'nobody', told.could, could)
  if (told.links !== null && told.links.length > 0)
    section('Could, whoever has one of these links', 'nobody', told.links, links)
  const isOfSeveral = new Set([...told.held, ...told.did].map(({ connector }) => connector)).size > 1
  const place = isOfSeveral ? where : {}
  section('Held a URL for it', 'nobody', told.held, { ...held, ...place })
  section('Did, as the logs tell', 'no access is known', told.did, { ...did, ...place })
  if (told.findings.length > 0) context.print('\nWants a look')
  for (const finding of told.findings) for (const line of findingLines(finding)) context.print(line)
  for (const line of hintLines(told)) context.note(line)
  if (!told.couldComplete && told.could !== null) context.note('more could than are shown')
  if (!told.complete) context.note('there is more than was looked at: narrow it by --from and --to')
}
