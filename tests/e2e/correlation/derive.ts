/** Lines that could stand in a log, made of real ones: what whoever has a URL, a key or nothing but the log's address could bring about. */
import type { LogFormatName } from '@signpost/contract'

export interface Derived {
  text: string
  /** By what it is found again: an address that no other line has. */
  address: string
  /** Whom it may be put down to: of an honest one it must be. */
  user: string | null
  /** For people. */
  how: string
}

/** How the parts of a line are written. */
interface Hand {
  /** The client's address, and whatever makes a line another one. */
  stamp(line: string, address: string, count: number): string
  refuse(line: string): string
  /** Another key's, that the store took. */
  sign(line: string): string
  /** Of another object. */
  move(line: string): string
  agent?(line: string, agent: string): string
  /** By a header, with a key that is not the bucket's. */
  header?(line: string): string
}

const json = (line: string, change: (entry: Record<string, unknown>) => Record<string, unknown>) =>
  JSON.stringify({ ...change(JSON.parse(line) as Record<string, unknown>) })
const cells = (line: string, change: Record<number, (cell: string) => string>) =>
  line
    .slice(1, -1)
    .split('","')
    .map((cell, index) => change[index]?.(cell) ?? cell)
    .map((cell) => `"${cell}"`)
    .join(',')
const other = (line: string) => line.replaceAll(/plain\.bin/g, 'plain.bin.other')

const hands: Partial<Record<LogFormatName, Hand>> = {
  'ceph-ops': {
    stamp: (line, remote_addr, count) =>
      json(line, (entry) => ({ ...entry, remote_addr, trans_id: `${String(entry['trans_id'])}-${count}` })),
    refuse: (line) => json(line, (entry) => ({ ...entry, http_status: '403', error_code: 'AccessDenied' })),
    sign: (line) =>
      json(line.replaceAll(/(X-Amz-Credential=)\w+/g, '$1MALLORYKEYID'), (entry) => ({
        ...entry,
        access_key_id: 'MALLORYKEYID',
        user: 'mallory',
        sts_info: undefined,
      })),
    move: other,
    agent: (line, user_agent) => json(line, (entry) => ({ ...entry, user_agent })),
    header: (line) => json(line, (entry) => ({ ...entry, access_key_id: 'MALLORYKEYID', user: 'mallory' })),
  },
  'local-store': {
    stamp: (line, address, count) =>
      line.replace(
        /\] \S+ (\S+) (\S+) /,
        (_, who: string, id: string) => `] ${address} ${who} ${id}F${count} `,
      ),
    refuse: (line) => line.replace(/(HTTP\/1\.1" )\d{3} \S+/, '$1403 SignatureDoesNotMatch'),
    sign: (line) =>
      line
        .replace(/user\/\S+ /, 'user/mallory-key-id ')
        .replace(/(X-Amz-Credential=)[\w-]+/, '$1mallory-key-id'),
    move: other,
    agent: (line, agent) =>
      line.replace(/"traffic-\d+\."/, `"${agent.replaceAll('\\', '\\x5C').replaceAll('"', '\\x22')}"`),
    header: (line) =>
      line.replace(' QueryString ', ' AuthHeader ').replace(/user\/\S+ /, 'user/mallory-key-id '),
  },
  'gcs-usage': {
    stamp: (line, address, count) => cells(line, { 1: () => address, 13: (id) => `${id}F${count}` }),
    refuse: (line) => cells(line, { 6: () => '403' }),
    sign: (line) => line.replace(/(X-Goog-Credential=)\w[^%&]*/, '$1mallory'),
    move: other,
    agent: (line, agent) => cells(line, { 12: () => agent.replaceAll('"', '""') }),
  },
  azurite: {
    stamp: (line, address) => line.replace(/^\S+/, address),
    refuse: (line) => line.replace(/(HTTP\/1\.1" )\d{3}/, '$1403'),
    sign: (line) => line.replace(/skoid=[^&]{4}/, 'skoid=0000'),
    move: other,
  },
}

const markers = '(X-User|x-goog-custom-audit-user|scid)'
const addresses = (count: number) => `10.${(count >> 16) & 255}.${(count >> 8) & 255}.${count & 255}`

type Random = (below: number) => number

/** The query as a request line shows it (Ceph's, twice). */
function inQuery(line: string, edit: (query: string) => string): string {
  return line.replace(/\?([^?" ]+)(\?\1)?(?= HTTP\/|")/, (_, query: string, again?: string) => {
    const edited = edit(query)
    return again === undefined ? `?${edited}` : `?${edited}?${edited}`
  })
}

const names = [
  'X-User',
  'x-user',
  'X%2DUser',
  '%58-User',
  'scid',
  'SCID',
  's%63id',
  'X_User',
  'x-goog-custom-audit-user',
]
const agents = [
  'x" 200 - "',
  '","http_status":"200","user":"alice',
  'signpost/0.1.0 (AAAAAAAAAAAAAAAAAAAAAA)',
  '" - id SigV4 - QueryString -',
]

/** Who names somebody in a URL whose signature they cannot make: the store refuses it, but for a name that it takes for the first of two. */
const ofQuery: Record<string, (query: string, random: Random) => string> = {
  'a second user': (query, random) => `${names[random(names.length)]!}=mallory&${query}`,
  'a second user behind': (query, random) => `${query}&${names[random(names.length)]!}=mallory`,
  'another user': (query) => query.replaceAll(new RegExp(`${markers}=[^&]*`, 'g'), '$1=mallory'),
  'no user': (query) => query.replaceAll(new RegExp(`${markers}=[^&]*&?`, 'g'), ''),
  'no grant': (query) => query.replaceAll(/(X-Grant|x-goog-custom-audit-grant)=[^&]*&?/g, ''),
  'another grant': (query) =>
    query.replaceAll(
      /(X-Grant|x-goog-custom-audit-grant|scid)=[^&]*/g,
      '$1=0193569c-0000-7000-8000-00000000ffff',
    ),
  'a second grant': (query) => `X-Grant=0193569c-0000-7000-8000-00000000ffff&${query}`,
  'another time': (query) =>
    query
      .replace(
        /(Date=\d{8}T\d{5})(\d)/,
        (_, all: string, digit: string) => `${all}${(Number(digit) + 3) % 10}`,
      )
      // Half an hour: who asked twice for one object may well have a SAS that ends some seconds from this one's end.
      .replace(
        /(se=[\d-]+T\d\d(?:%3A|:))(\d)/,
        (_, all: string, tens: string) => `${all}${(Number(tens) + 3) % 6}`,
      ),
  'a longer life': (query) => query.replace(/(Expires=)\d+/, '$1604800').replace(/se=\d{4}/, 'se=2099'),
}
/** What no signature of the bucket's own key makes right. */
const alwaysWrong = new Set(
  Object.keys(ofQuery).filter((how) => !/^another (user|grant)$|^no (user|grant)$/.test(how)),
)

/** `seeds`: lines of honest accesses to `of <user>/plain.bin`. */
export function derive(
  format: LogFormatName,
  seeds: readonly string[],
  count: number,
  random: Random,
): Derived[] {
  const hand = hands[format]
  if (!hand || seeds.length === 0) throw new Error(`no lines of ${format} to derive from`)
  return Array.from({ length: count }, (_, index) => {
    const seed = seeds[index % seeds.length]!
    const user = /of(?:%20|%2520|\+| )(\w+)\/plain/.exec(seed)![1]!
    const address = addresses(index + 1)
    const made = change(hand, hand.stamp(seed, address, index), random)
    return { ...made, address, user: made.isHonest ? user : null }
  })
}

function change(hand: Hand, line: string, random: Random): { text: string; how: string; isHonest: boolean } {
  const forged = (how: string, text: string) => ({ how, text, isHonest: false })
  const query = Object.entries(ofQuery)
  const [how, edit] = query[random(query.length)]!
  const edited = inQuery(line, (text) => edit(text, random))
  const agent = agents[random(agents.length)]!
  switch (random(8)) {
    case 0:
      return { how: 'honest', text: hand.agent?.(line, agent) ?? line, isHonest: true }
    case 1:
      return forged(`${how}, refused`, hand.refuse(edited))
    case 2:
      // By the bucket's own key, or as a store that is content with one of two takes it.
      return alwaysWrong.has(how) ? forged(how, edited) : forged(`${how}, refused`, hand.refuse(edited))
    case 3:
      return forged('another key', hand.sign(line))
    case 4:
      return forged(`another key and ${how}`, hand.sign(edited))
    case 5:
      return forged('another object', hand.move(line))
    case 6:
      return forged('refused, with an agent that lies', hand.refuse(hand.agent?.(line, agent) ?? line))
    default:
      return forged('by a header', hand.header?.(line) ?? hand.sign(line))
  }
}
