import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { inTime } from '../../../../../tests/in-time.ts'
import { foldCase } from '../../domain/fold-case.ts'
import type { Resource } from './attributes.ts'
import { ScimError } from './errors.ts'
import { compileFilter, requiredEquals } from './filter-match.ts'
import { comparisons, parseFilter, parsePatchPath, type Comparison, type Filter } from './filter-parse.ts'
import { groupSchema, userSchema } from './schemas.ts'

const ada: Resource = {
  id: '019a',
  externalId: 'Ext-1',
  userName: 'Ada@Example.org',
  name: { givenName: 'Ada', familyName: "O'Malley" },
  active: true,
  emails: [
    { value: 'ada@work.org', type: 'work', primary: true },
    { value: 'ada@home.net', type: 'home' },
  ],
  meta: { lastModified: '2026-05-13T04:42:34.000Z', resourceType: 'User' },
}
const fits = (filter: string, resource: Resource = ada) =>
  compileFilter(userSchema, parseFilter(filter))(resource)

function refused(run: () => unknown, scimType = 'invalidFilter'): string {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof ScimError, String(error))
    assert.deepEqual([error.status, error.scimType], [400, scimType])
    return error.message
  }
  assert.fail('it should be refused')
}

describe('filters', () => {
  test('every operator, by the examples of RFC 7644 §3.4.2.2', () => {
    const yes = [
      'userName eq "ada@example.ORG"',
      'name.familyName co "O\'Malley"',
      'userName sw "A"',
      'urn:ietf:params:scim:schemas:core:2.0:User:userName sw "a"',
      'userName ew ".org"',
      'displayName ne "x"',
      'title eq null',
      'emails pr',
      'meta.lastModified gt "2026-05-13T04:42:33Z"',
      'meta.lastModified ge "2026-05-13T06:42:34+02:00"',
      'meta.lastModified lt "2027-01-01T00:00:00Z"',
      'meta.lastModified le "2026-05-13T04:42:34Z"',
      'emails.type eq "WORK"',
      'emails.value co "home"',
      'emails[type eq "work" and value co "@work.org"]',
      'emails[type eq "work"].value eq "ada@work.org"',
      'emails eq "ada@home.net"',
      'active eq true',
      'active eq "True"',
      'not (active eq false)',
      'NOT(userName eq "bob")',
      'userName EQ "bob" OR Active Eq true',
      'externalId eq "Ext-1"',
      '( ( userName pr ) )',
      'meta.resourceType eq "User"',
      'displayName eq null and userName ne null',
    ]
    for (const filter of yes) assert.equal(fits(filter), true, filter)
    const no = [
      'externalId eq "ext-1"',
      'title pr',
      'title eq "Countess"',
      'displayName pr',
      'displayName eq "x"',
      'emails[type eq "home" and value co "@work.org"]',
      'emails[type eq "home"].value eq "ada@work.org"',
      'active ne true',
      'userName gt "b"',
      'not (userName pr)',
      'groups eq "g"',
      'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department pr',
    ]
    for (const filter of no) assert.equal(fits(filter), false, filter)
  })

  test('and binds closer than or, not closest', () => {
    const [t, f] = ['userName pr', 'displayName pr']
    assert.equal(fits(`${t} or ${t} and ${f}`), true)
    assert.equal(fits(`(${t} or ${t}) and ${f}`), false)
    assert.equal(fits(`not (${f}) or ${t} and ${f}`), true)
    assert.equal(fits(`not (${t}) and ${f} or ${t}`), true)
  })

  test('strings are JSON strings, and words in them are no operators', () => {
    const named = { userName: 'a "b"\\ or userName pr é😀' }
    assert.equal(fits('userName eq "a \\"b\\"\\\\ or userName pr \\u00e9\\ud83d\\ude00"', named), true)
    assert.equal(fits('userName eq "x\\" or userName pr or userName eq \\"x"', named), false)
  })

  test('400 invalidFilter: what is not in the grammar', () => {
    const wrong = [
      '',
      '   ',
      'userName',
      'userName eq',
      'userName is "x"',
      'userName eq x',
      "userName eq 'x'",
      'userName eq "x',
      'userName eq "x\\"',
      'userName eq "\\q"',
      'userName eq "x" and',
      'userName eq "x" or or userName pr',
      'userName eq "x" userName pr',
      '(userName eq "x"',
      'userName eq "x")',
      'not userName pr',
      'emails[type eq "work"',
      'emails[]',
      'emails[type eq "work"].',
      'emails[type eq "work"] eq "x"',
      'emails[emails[type pr]]',
      'userName eq 01',
      'userName eq 1.5.2',
      '"x" eq userName',
      'userName\u0000 pr',
      'userName eq "a"; drop table principals',
    ]
    for (const filter of wrong) refused(() => fits(filter))
  })

  test('400 invalidFilter: attributes that there are not, and comparisons that a type does not know', () => {
    const wrong = [
      'nonsense eq "x"',
      '__proto__ pr',
      'constructor pr',
      'constructor.name eq "Object"',
      'toString pr',
      'name.constructor pr',
      'name.givenName.length pr',
      'emails.nonsense pr',
      'emails[nonsense eq "x"]',
      'urn:nobody:User:userName pr',
      'active gt true',
      'active co "t"',
      'active eq "maybe"',
      'userName eq 5',
      'userName gt null',
      'meta.created eq "yesterday"',
      'meta.created co "2026"',
      'name eq "Ada"',
      'meta eq "x"',
    ]
    for (const filter of wrong) refused(() => fits(filter))
  })

  test('400: bombs, each within a few milliseconds', async () => {
    const bombs = [
      '('.repeat(8000),
      `${'('.repeat(4000)}userName pr${')'.repeat(4000)}`,
      `${'not ('.repeat(1500)}userName pr${')'.repeat(1500)}`,
      Array.from({ length: 700 }, () => 'userName pr').join(' or '),
      `userName eq "${'a'.repeat(100_000)}"`,
      `userName eq "${'\\'.repeat(8001)}`,
      `userName eq "${'\\"'.repeat(4000)}`,
      ' '.repeat(100_000),
      'a'.repeat(8000),
      `${'a.'.repeat(4000)}b pr`,
      `userName eq ${'1'.repeat(8000)}x`,
      'emails['.repeat(1000),
    ]
    for (const bomb of bombs) await inTime(100, () => refused(() => fits(bomb)))
  })

  test('the bounds: 20 deep, 100 conditions, 8,192 characters, and not one more', () => {
    const deep = (depth: number) => `${'('.repeat(depth)}userName pr${')'.repeat(depth)}`
    assert.equal(fits(deep(20)), true)
    assert.match(
      refused(() => fits(deep(21))),
      /deeper than 20/,
    )
    const wide = (count: number) => Array.from({ length: count }, () => 'userName pr').join(' and ')
    assert.equal(fits(wide(100)), true)
    assert.match(
      refused(() => fits(wide(101))),
      /more than 100 conditions/,
    )
    const long = (length: number) => `userName ne "${'x'.repeat(length - 14)}"`
    assert.equal(fits(long(8192)), true)
    assert.match(
      refused(() => fits(long(8193))),
      /longer than 8192/,
    )
  })

  test('what an index can look up is found under and, and under nothing else', () => {
    const equals = (filter: string) => Object.fromEntries(requiredEquals(userSchema, parseFilter(filter)))
    assert.deepEqual(equals('userName eq "x"'), { userName: 'x' })
    assert.deepEqual(equals('(USERNAME eq "x" and (externalId eq "y")) and active eq true'), {
      userName: 'x',
      externalId: 'y',
    })
    for (const filter of [
      'userName eq "x" or active eq true',
      'not (userName eq "x")',
      'userName ne "x"',
      'emails[value eq "x"]',
      'emails.value eq "x"',
    ])
      assert.deepEqual(equals(filter), {})
  })
})

describe('paths of PATCH', () => {
  test('attribute, part, values that fit, and their part', () => {
    assert.deepEqual(parsePatchPath('members'), { path: 'members' })
    assert.deepEqual(parsePatchPath('name.familyName'), { path: 'name.familyName' })
    const of = { op: 'eq', path: 'type', value: 'work' }
    assert.deepEqual(parsePatchPath('emails[type eq "work"]'), { path: 'emails', of })
    assert.deepEqual(parsePatchPath('emails[type eq "work"].value'), { path: 'emails', of, sub: 'value' })
  })

  test('400 invalidPath: anything else', () => {
    for (const path of [
      '',
      '/members',
      'members[',
      'members[]',
      'emails[type eq "work"]value',
      'a b',
      '[x pr]',
      '__proto__',
    ])
      refused(() => parsePatchPath(path), 'invalidPath')
  })
})

/** The same question asked slowly, straight from the words of the specification. */
function slow(filter: Filter, resource: Resource): boolean {
  switch (filter.op) {
    case 'and':
      return filter.all.filter((one) => !slow(one, resource)).length === 0
    case 'or':
      return filter.all.filter((one) => slow(one, resource)).length > 0
    case 'not':
      return slow(filter.of, resource) ? false : true
    case 'within':
      return (
        ((resource['emails'] as Resource[] | undefined) ?? []).filter((one) => slow(filter.of, one)).length >
        0
      )
    case 'pr':
    case 'eq':
    case 'ne':
    case 'co':
    case 'sw':
    case 'ew':
    case 'gt':
    case 'ge':
    case 'lt':
    case 'le': {
      const [first = '', second] = filter.path.split('.')
      const top = resource[first] as Resource | Resource[] | undefined
      const values = (second === undefined ? [top] : [top].flat().map((one) => one?.[second])).filter(
        (one) => one !== undefined,
      )
      if (filter.op === 'pr') return values.length > 0
      if (filter.value === null) return (filter.op === 'eq') === (values.length === 0)
      if (values.length === 0) return filter.op === 'ne'
      const exact = filter.path === 'externalId'
      return values.some((value) => slowCompare(filter.op, value, filter.value, exact))
    }
  }
}

function slowCompare(op: Comparison, value: unknown, wanted: unknown, exact: boolean): boolean {
  const [a, b] = [value, wanted].map((one) => (exact ? String(one) : foldCase(String(one)))) as [
    string,
    string,
  ]
  if (op === 'eq') return a === b
  if (op === 'ne') return a !== b
  if (op === 'co') return a.split(b).length > 1 || b === ''
  if (op === 'sw') return a.slice(0, b.length) === b
  if (op === 'ew') return b === '' || a.slice(-b.length) === b
  const order = a === b ? 0 : [a, b].toSorted()[0] === a ? -1 : 1
  return { gt: order > 0, ge: order >= 0, lt: order < 0, le: order <= 0 }[op]
}

const word = fc.stringMatching(/^[aAbB"\\ é]{1,3}$/)
const paths = ['userName', 'externalId', 'displayName', 'name.givenName', 'emails.value']
const comparison = (of: readonly string[]): fc.Arbitrary<Filter> =>
  fc.oneof(
    fc.record({ op: fc.constantFrom(...comparisons), path: fc.constantFrom(...of), value: word }),
    fc.record({
      op: fc.constantFrom('eq' as const, 'ne' as const),
      path: fc.constantFrom(...of),
      value: fc.constant(null),
    }),
    fc.record({ op: fc.constant('pr' as const), path: fc.constantFrom(...of) }),
  )
function filters(leaf: fc.Arbitrary<Filter>, depth: number): fc.Arbitrary<Filter> {
  if (depth === 0) return leaf
  const next = filters(leaf, depth - 1)
  return fc.oneof(
    leaf,
    fc.record({ op: fc.constant('not' as const), of: next }),
    fc.record({
      op: fc.constantFrom('and' as const, 'or' as const),
      all: fc.array(next, { minLength: 2, maxLength: 3 }),
    }),
  )
}
const within = fc.record({
  op: fc.constant('within' as const),
  path: fc.constant('emails'),
  of: filters(comparison(['value', 'type']), 1),
})
const anyFilter = filters(fc.oneof(comparison(paths), within), 3)
const maybe = fc.option(word, { nil: undefined })
const anyUser = fc
  .record({
    userName: word,
    externalId: maybe,
    displayName: maybe,
    name: fc.option(fc.record({ givenName: word }), { nil: undefined }),
    emails: fc.option(fc.array(fc.record({ value: word, type: maybe }), { minLength: 1, maxLength: 3 }), {
      nil: undefined,
    }),
  })
  .map((user) => JSON.parse(JSON.stringify(user)) as Resource)

/** As text, with whatever case and brackets a client might choose. */
function written(filter: Filter, random: () => number): string {
  const cased = (text: string) => (random() < 0.5 ? text.toUpperCase() : text)
  const wrapped = (text: string) => (random() < 0.2 ? `( ${text} )` : text)
  switch (filter.op) {
    case 'and':
    case 'or':
      // Inside of one that binds as close or closer, brackets are needed.
      return filter.all
        .map((one) =>
          one.op === 'or' || one.op === filter.op ? `(${written(one, random)})` : written(one, random),
        )
        .join(` ${cased(filter.op)} `)
    case 'not':
      return `${cased('not')} (${written(filter.of, random)})`
    case 'within':
      return `${cased(filter.path)}[${written(filter.of, random)}]`
    case 'pr':
      return wrapped(`${cased(filter.path)} ${cased('pr')}`)
    case 'eq':
    case 'ne':
    case 'co':
    case 'sw':
    case 'ew':
    case 'gt':
    case 'ge':
    case 'lt':
    case 'le':
      return wrapped(`${cased(filter.path)} ${cased(filter.op)} ${JSON.stringify(filter.value)}`)
  }
}

test('any filter, written out and read again, takes the same users as the slow statement of it', () => {
  let taken = 0
  fc.assert(
    fc.property(
      anyFilter,
      fc.array(anyUser, { minLength: 5, maxLength: 5 }),
      fc.integer(),
      (filter, users, seed) => {
        let state = seed
        const random = () => ((state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0) % 1000) / 1000
        const text = written(filter, random)
        const fitsIt = compileFilter(userSchema, parseFilter(text))
        for (const user of users) {
          const wanted = slow(filter, user)
          if (wanted) taken += 1
          assert.equal(fitsIt(user), wanted, `${text} on ${JSON.stringify(user)}`)
          if (wanted)
            for (const [name, value] of requiredEquals(userSchema, filter))
              assert.equal(foldCase(String(user[name])), foldCase(value), text)
        }
      },
    ),
    { numRuns: 3000 },
  )
  assert.ok(taken > 1000, `only ${taken} were taken: the test says little`)
})

test('any text is a filter or refused as one, and nothing else is thrown', () => {
  const pieces = [
    'userName',
    'emails',
    '[',
    ']',
    '(',
    ')',
    ' eq ',
    ' and ',
    ' not ',
    '"',
    '\\',
    'pr',
    '.',
    'value',
    '1',
    'null',
    'é',
    '\u0000',
  ]
  const soup = fc.array(fc.constantFrom(...pieces), { maxLength: 20 }).map((all) => all.join(''))
  fc.assert(
    fc.property(fc.oneof(soup, fc.string({ unit: 'binary' })), (text) => {
      for (const schema of [userSchema, groupSchema]) {
        try {
          compileFilter(schema, parseFilter(text))(ada)
        } catch (error) {
          assert.ok(error instanceof ScimError && error.scimType === 'invalidFilter', String(error))
        }
      }
    }),
    { numRuns: 5000 },
  )
})
