import assert from 'node:assert/strict'
import { hash } from 'node:crypto'
import { test } from 'node:test'
import { createChainVerifier, genesisHash, linkText } from './audit-chain.ts'
import { createRemovals, eraseDetails, erasedDigest } from './audit-removals.ts'
import type { AuditEvent, ChainedAuditEvent } from './schemas/audit.ts'

const sha256Hex = (text: string) => hash('sha256', text, 'hex')

function chainOf(chain: string, events: Partial<AuditEvent>[]): ChainedAuditEvent[] {
  let previous = genesisHash
  return events.map((fields, index) => {
    const event = {
      id: `${chain}-${index}`,
      at: '2026-01-01T00:00:00.000Z',
      type: 'url.issue',
      decision: 'allow',
      reason: 'member',
      ...fields,
    } as AuditEvent
    const link = {
      chain,
      seq: index + 1,
      hash: sha256Hex(linkText(previous, chain, index + 1, JSON.stringify(event))),
      event,
    }
    previous = link.hash
    return link
  })
}

const first = chainOf('a', [{ type: 'chain.open' }, {}, {}, {}])
const anchor = { 'chain:a': `4:${first[3]?.hash}` }
const second = chainOf('b', [{ type: 'chain.open', details: anchor }, {}])

function verify(links: ChainedAuditEvent[]) {
  const verifier = createChainVerifier(
    sha256Hex,
    links.filter(({ event }) => event.type === 'chain.open'),
  )
  for (const link of links) verifier.add(link)
  return verifier.finish()
}

test('untouched chains verify, in whatever order the chains come', () => {
  assert.deepEqual(verify([...first, ...second]), { chains: 2, events: 6, problems: [] })
  assert.deepEqual(verify([...second, ...first]), { chains: 2, events: 6, problems: [] })
})

const tampered: Record<string, [ChainedAuditEvent[], string, number]> = {
  'a removed event': [[...first.filter(({ seq }) => seq !== 2), ...second], 'a', 2],
  'a changed event': [
    [
      ...first.map((link) =>
        link.seq === 3 ? { ...link, event: { ...link.event, reason: 'admin' } } : link,
      ),
      ...second,
    ],
    'a',
    3,
  ],
  'a reordered event': [[first[0]!, first[2]!, first[1]!, first[3]!, ...second], 'a', 2],
  'a doubled event': [[...first.slice(0, 2), first[1]!, ...first.slice(2), ...second], 'a', 3],
  'an event moved to another chain': [[...first, second[0]!, { ...first[1]!, chain: 'b' }], 'b', 2],
  'a cut-off end that a later chain has anchored': [[...first.slice(0, 3), ...second], 'a', 4],
  'a chain that is gone': [second, 'a', 4],
  'a chain that was made anew': [
    [...chainOf('a', [{ type: 'chain.open' }, {}, {}, { reason: 'admin' }]), ...second],
    'a',
    4,
  ],
}
for (const [what, [links, chain, seq]] of Object.entries(tampered)) {
  test(`${what} shows, at its place`, () => {
    const [problem] = verify(links).problems
    assert.equal(problem?.chain, chain)
    assert.equal(problem?.seq, seq)
  })
}

test('an event survives export and reading back without changing its hash', () => {
  const links = chainOf('c', [
    { type: 'chain.open' },
    { username: 'zoë “x” \u2028 😀', key: 'a\\b"c', details: { n: 1.5, t: true } },
  ])
  const readBack = links.map((link) => JSON.parse(JSON.stringify(link)) as ChainedAuditEvent)
  assert.deepEqual(verify(readBack).problems, [])
})

test('a text that was put in the place of another says so itself, or the record of it counts for nothing', () => {
  const before = first[2]!
  const left = (more: object) => JSON.stringify({ ...before.event, username: 'alice', ...more })
  const cases: [text: string, erasure: string | undefined, isTaken: boolean][] = [
    [left({ erased: 'erased-1', username: 'erased-1' }), 'erased-1', true],
    // Somebody who writes in the database, and lets the next checkpoint sign the record of it.
    [left({}), 'erased-1', false],
    [left({ erased: 'erased-2' }), 'erased-1', false],
    [left({}), undefined, false],
    ['null', 'erased-1', false],
    ['{', 'erased-1', false],
  ]
  for (const [text, erasure, isTaken] of cases) {
    const digest = erasedDigest(before.hash, text, sha256Hex)
    const told = eraseDetails([{ chain: 'a', seq: before.seq, digest }])
    const details = { ...told, ...(erasure === undefined ? {} : { erasure }) }
    const record = chainOf('c', [{ type: 'chain.open' }, { type: 'audit.erase', details }])
    const removals = createRemovals(record)
    const verifier = createChainVerifier(sha256Hex, [], [], removals)
    for (const link of [...first, ...record])
      verifier.add(link, link === before ? text : JSON.stringify(link.event))
    assert.equal(verifier.finish().problems.length === 0, isTaken, text)
  }
})
