/** A security report as tables: every format but JSON is made of these. */
import type { SecurityReport, UsedGrant } from '@signpost/contract'
import { movedBytes } from '../text.ts'

export type Cell = string | number | Moved

export interface Moved {
  bytes: number
  bytesUnknown: number
}

/** Heads columns of `Moved`, and no others. */
export const bytesHead = 'Bytes'

export interface Section {
  title: string
  /** Said where there are no rows. */
  none: string
  head: readonly string[]
  rows: readonly (readonly Cell[])[]
}

const grantHead = [
  'User',
  'Team',
  'Connector',
  'Key',
  'Action',
  'Issued',
  'Expires',
  'Uses',
  'Addresses',
  bytesHead,
]

export function sectionsOf(report: SecurityReport): Section[] {
  return [...aboutLogs(report), ...aboutFindings(report), ...aboutUse(report), ...aboutTrail(report)]
}

function aboutLogs({ coverage, sources }: SecurityReport): Section[] {
  return [
    {
      title: 'Coverage',
      none: 'There are no connectors.',
      head: ['Connector', 'Log', 'Sources', 'URLs issued', 'Accesses', 'Silent days'],
      rows: coverage.map((one) => [
        one.connector,
        one.logged ? 'told of accesses' : 'NOTHING IS KNOWN',
        one.sources.join(', '),
        one.issued,
        one.accesses,
        one.silentDays.join(', '),
      ]),
    },
    {
      title: 'Log sources',
      none: 'No access log is read.',
      head: [
        'Source',
        'Connector',
        'Format',
        'Last access',
        'Lines',
        'Unparsed',
        'Waiting',
        'Failed',
        'Problem',
      ],
      rows: sources.map((one) => [
        one.name,
        one.connector ?? 'by line',
        one.format,
        one.lastAccessAt ?? 'never',
        one.lines,
        one.unparsed,
        one.waiting,
        one.failed,
        one.problem ?? '',
      ]),
    },
  ]
}

function aboutFindings({ findings, addresses }: SecurityReport): Section[] {
  return [
    {
      title: 'Findings',
      none: 'Nothing wants a look.',
      head: ['Finding', 'Count', 'Acknowledged'],
      rows: findings.map(({ finding, count, acknowledged }) => [finding, count, acknowledged]),
    },
    {
      title: 'Examples of findings',
      none: 'Nothing wants a look.',
      head: ['Finding', 'Id', 'State', 'What happened', 'Why we say so', 'What to do'],
      rows: findings
        .flatMap(({ examples }) => examples)
        .map((one) => [
          one.finding,
          one.id,
          one.state + (one.note === undefined ? '' : `: ${one.note}`),
          one.sentences.what,
          one.sentences.why,
          one.sentences.advice,
        ]),
    },
    {
      title: 'Addresses',
      none: 'No access is known.',
      head: ['Address', 'Users', 'Accesses', bytesHead, 'Findings'],
      rows: addresses.map((one) => [
        one.address,
        one.users.join(', '),
        one.accesses,
        movedOf(one),
        one.findings,
      ]),
    },
  ]
}

function aboutUse({ usage }: SecurityReport): Section[] {
  const shares = (title: string, all: SecurityReport['usage']['users']): Section => ({
    title,
    none: 'Nobody asked, and nobody came.',
    head: ['Name', 'URLs issued', 'Never used', 'Accesses', bytesHead],
    rows: all.map((one) => [one.name, one.issued, one.neverUsed, one.accesses, movedOf(one)]),
  })
  const grants = (title: string, none: string, all: readonly UsedGrant[]): Section => ({
    title,
    none,
    head: grantHead,
    rows: all.map((one) => [
      one.username,
      one.team,
      one.connector,
      one.key,
      one.action,
      one.issuedAt,
      one.expiresAt,
      one.uses,
      one.addresses,
      movedOf(one),
    ]),
  })
  return [
    shares('Users', usage.users),
    shares('Teams', usage.teams),
    {
      title: 'New networks',
      none: 'Nobody came from a network that was new.',
      head: ['User', 'Network', 'First seen', 'Accesses'],
      rows: usage.newNetworks.map((one) => [one.username, one.network, one.firstAt, one.accesses]),
    },
    grants('URLs never used', 'None that is known.', usage.neverUsedExamples),
    grants('URLs used often', 'None.', usage.often),
    grants('URLs used from several addresses', 'None.', usage.severalAddresses),
  ]
}

function aboutTrail({ refusals, refusedUsers, changes, checkpoint }: SecurityReport): Section[] {
  return [
    {
      title: 'Refusals',
      none: 'Nobody was refused.',
      head: ['What was asked', 'Reason', 'Count'],
      rows: refusals.map(({ type, reason, count }) => [type, reason, count]),
    },
    {
      title: 'Who was refused',
      none: 'Nobody was refused.',
      head: ['User', 'Count'],
      rows: refusedUsers.map(({ username, count }) => [username, count]),
    },
    {
      title: 'Restrictions and revocations',
      none: 'None in this time.',
      head: ['At', 'By', 'What', 'About'],
      rows: changes.map(({ at, by, type, about }) => [at, by, type, about]),
    },
    {
      title: 'Newest checkpoint of the audit trail',
      none: 'There is none.',
      head: ['Number', 'Signed', 'Digest'],
      rows: checkpoint === null ? [] : [[checkpoint.number, checkpoint.at, checkpoint.digest]],
    },
  ]
}

function movedOf({ bytes, bytesUnknown }: Moved): Moved {
  return { bytes, bytesUnknown }
}

/** For people; CSV has the numbers. */
export function cellText(cell: Cell): string {
  if (typeof cell === 'object') return movedBytes(cell)
  return typeof cell === 'number' ? cell.toLocaleString('en-US') : cell
}

/** The first thing to read. */
export function numbersOf({ numbers, usage }: SecurityReport): [label: string, value: Cell][] {
  return [
    ['URLs issued', numbers.issued],
    ['Requests refused', numbers.refused],
    ['Accesses known', numbers.accesses],
    ['Matched with their URL', numbers.matched],
    ["Signpost's own", numbers.own],
    ['Findings', numbers.findings],
    ['Bytes moved', movedOf(numbers)],
    ['URLs never used', usage.neverUsed],
    ['Not known whether used', usage.unknown],
    ['Log lines unparsed', numbers.unparsed],
  ]
}

export function titleOf({ from, to }: SecurityReport): string {
  return `Access to buckets, ${toSeconds(from)} to ${toSeconds(to)}`
}

export function bylineOf({ madeAt, madeBy }: SecurityReport): string {
  return `Made by Signpost for ${madeBy} at ${toSeconds(madeAt)}.`
}

function toSeconds(instant: string): string {
  return instant.replace(/\.\d+Z$/, 'Z')
}
