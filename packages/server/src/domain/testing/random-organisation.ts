/** Organisations and questions at random, of few names, so that they meet. */
import { teamPermissions, organisationPermissions } from '@signpost/contract'
import fc from 'fast-check'
import type { SlowOrganisation, SlowQuestion, SlowRestriction, SlowScope, Verb } from './slow-access.ts'

const people = ['p1', 'p2', 'p3', 'p4'] as const
const teams = ['vision', 'audio'] as const
const teamRoleNames = ['viewer', 'member', 'admin', 'curator', 'helper', 'gone'] as const
const organisationRoleNames = ['admin', 'member', 'viewer', 'auditor', 'keeper', 'gone'] as const
const ranges = [
  '10.0.0.0/8',
  '10.1.0.0/16',
  '10.1.2.3/32',
  '192.0.2.0/24',
  '2001:db8::/32',
  '2001:db8:1::/48',
] as const
const addresses = [
  '10.1.2.3',
  '10.9.9.9',
  '192.0.2.7',
  '::ffff:10.1.2.3',
  '2001:db8::1',
  '2001:db8:1::1',
  '8.8.8.8',
  '',
] as const

const segments = fc.array(fc.constantFrom('a', 'b', 'ab', 'secret', 'é'), { minLength: 1, maxLength: 3 })
const folder = segments.map((parts) => `${parts.join('/')}/`)
const plainKey = segments.map((parts) => parts.join('/'))
const key = fc.oneof(
  { weight: 8, arbitrary: plainKey },
  { weight: 1, arbitrary: plainKey.map((one) => `.signpost-quarantine/id/${one}`) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '.signpost-quarantine/id',
      '.signpost-quarantine/id/.signpost-quarantine/id/secret/a',
    ),
  },
)
const beginning = fc.oneof(folder, plainKey, fc.constantFrom('s', 'a', '.signpost-quarantine/'))
const networks = fc.uniqueArray(fc.constantFrom(...ranges), { minLength: 1, maxLength: 3 })
const some = <T>(values: readonly T[], minLength = 0) => fc.subarray([...values], { minLength })
const maybe = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined })
const half = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined, freq: 2 })
const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ weight: 5, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary })
/** Without the fields that are undefined. */
const plain = <T extends object>(value: T) =>
  Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined)) as {
    [Name in keyof T]: Exclude<T[Name], undefined>
  }

const verbs = ['read', 'write', 'delete'] as const
const time = fc.integer({ min: 0, max: 10 })

const caps = fc
  .record({
    readSecondsMax: maybe(fc.integer({ min: 1, max: 5 })),
    writeSecondsMax: maybe(fc.integer({ min: 1, max: 5 })),
    writeBytesMax: maybe(fc.integer({ min: 0, max: 5 })),
  })
  .map(plain)

const restriction: fc.Arbitrary<Omit<SlowRestriction, 'id'>> = fc
  .record({
    person: half(fc.constantFrom(...people)),
    team: half(fc.constantFrom(...teams)),
    prefix: half(beginning),
    networks: rarely(networks),
    verbs: some(verbs, 1),
    caps: fc.oneof({ weight: 1, arbitrary: fc.constant(undefined) }, { weight: 4, arbitrary: caps }),
    from: fc.integer({ min: 0, max: 5 }),
    until: half(fc.integer({ min: 5, max: 11 })),
  })
  .map((one) => plain(one) as Omit<SlowRestriction, 'id'>)

const grant = fc.oneof(
  fc.record({ person: fc.constantFrom(...people), access: fc.constantFrom('read', 'write') }),
  fc.record({ role: fc.constantFrom(...teamRoleNames), access: fc.constantFrom('read', 'write') }),
)

export const randomOrganisation: fc.Arbitrary<SlowOrganisation> = fc.record({
  people: fc.tuple(
    ...people.map((id) =>
      fc.record({
        id: fc.constant(id),
        kind: fc.constantFrom('user' as const, 'user' as const, 'serviceAccount' as const),
        organisationRole: fc.constantFrom(...organisationRoleNames),
      }),
    ),
  ),
  teams: fc.tuple(
    ...teams.map((name) =>
      fc.record({
        name: fc.constant(name),
        networks: fc.oneof({ weight: 5, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: networks }),
      }),
    ),
  ),
  teamRoles: fc.record({ curator: some(teamPermissions), helper: some(teamPermissions) }),
  organisationRoles: fc.record({ keeper: some(organisationPermissions) }),
  members: fc.uniqueArray(
    fc.record({
      person: fc.constantFrom(...people),
      team: fc.constantFrom(...teams),
      role: fc.constantFrom(...teamRoleNames),
    }),
    { minLength: 5, maxLength: 8, selector: ({ person, team }) => `${person} ${team}` },
  ),
  prefixes: fc.uniqueArray(
    fc.record({
      team: fc.constantFrom(...teams),
      prefix: folder,
      grants: fc.array(grant, { maxLength: 4 }),
    }),
    { maxLength: 4, selector: ({ team, prefix }) => `${team} ${prefix}` },
  ),
  restrictions: fc
    .array(restriction, { maxLength: 4 })
    .map((all) => all.map((one, index) => ({ id: `r${index}`, ...one }))),
})

const scope: fc.Arbitrary<SlowScope> = fc
  .record({
    teams: maybe(some(teams, 1)),
    actions: maybe(some(['read', 'write', 'delete', 'manage'], 1)),
    prefixes: maybe(fc.array(beginning, { minLength: 1, maxLength: 2 })),
    keys: maybe(fc.array(plainKey, { minLength: 1, maxLength: 2 })),
  })
  .map((one) => plain(one) as SlowScope)

export const randomQuestion: fc.Arbitrary<SlowQuestion> = fc
  .record({
    person: fc.constantFrom(...people),
    team: fc.oneof(
      { weight: 20, arbitrary: fc.constantFrom(...teams) },
      { weight: 1, arbitrary: fc.constant('nowhere') },
    ),
    verb: fc.constantFrom<Verb>('read', 'list', 'write', 'delete'),
    key: fc.oneof({ weight: 6, arbitrary: key }, { weight: 1, arbitrary: fc.constant('') }),
    address: fc.constantFrom(...addresses),
    at: time,
    scope: rarely(scope),
  })
  .map((one) => plain(one) as SlowQuestion)
