/** Lists (RFC 7644 §3.4.2): of one kind of resource, or of several one after the other. */
import { foldCase } from '../../domain/fold-case.ts'
import type { Attribute, Resource } from './attributes.ts'
import { attributeNamed, resolvePath } from './attributes.ts'
import { invalid } from './errors.ts'
import { compileFilter, mentions, requiredEquals, type Test } from './filter-match.ts'
import type { Entry, Kind, Narrowing, Reading } from './kind.ts'
import type { ListQuery } from './list-query.ts'
import { isSelected, select } from './select.ts'

const listUrn = 'urn:ietf:params:scim:api:messages:2.0:ListResponse'

export async function listResources(
  kinds: readonly Kind<unknown>[],
  reading: Omit<Reading, 'without'>,
  query: ListQuery,
): Promise<Resource> {
  const sources = kinds.map((kind) => sourceOf(kind, reading, query, kinds.length === 1))
  const { total, page } =
    query.sortBy === undefined
      ? await inOrderOfIds(sources, query)
      : await sorted(sources, { ...query, sortBy: query.sortBy })
  return {
    schemas: [listUrn],
    totalResults: total,
    startIndex: query.startIndex,
    itemsPerPage: page.length,
    // Also where it is empty: clients read it without asking.
    Resources: page,
  }
}

interface Source {
  kind: Kind<unknown>
  reading: Reading
  narrowing: Narrowing
  /** Undefined: every resource is wanted. */
  test: Test | undefined
  /** Nothing can fit. */
  isEmpty: boolean
  show: (entry: Entry) => Resource
  /** For looking at all of them, reading no more than the filter and the order need. */
  scanning: Reading
}

function sourceOf(
  kind: Kind<unknown>,
  reading: Omit<Reading, 'without'>,
  { filter, sortBy, selection }: ListQuery,
  isOnly: boolean,
): Source {
  const { schema, costly, indexed } = kind
  const isNeeded = (name: string) =>
    (filter !== undefined && mentions(schema, filter, name)) ||
    sortBy?.toLowerCase().startsWith(name) === true
  const unwanted = costly.filter((name) => !isSelected(schema, name, selection))
  const test = filter && compileFilter(schema, filter, !isOnly)
  const equals = filter === undefined ? new Map<string, string>() : requiredEquals(schema, filter)
  const narrowing = new Map([...equals].filter(([name]) => indexed.includes(name)))
  return {
    kind,
    reading: { ...reading, without: new Set(unwanted.filter((name) => !isNeeded(name))) },
    scanning: { ...reading, without: new Set(costly.filter((name) => !isNeeded(name))) },
    narrowing,
    test,
    isEmpty: [...narrowing.values()].some((text) => !isStorable(text)),
    show: ({ resource }) => select(schema, resource, selection),
  }
}

/** PostgreSQL takes no NUL in a text; nothing that is stored has one. */
const isStorable = (text: string) => text.isWellFormed() && !/\p{Cc}/u.test(text)

interface Page {
  total: number
  page: Resource[]
}

async function inOrderOfIds(sources: readonly Source[], { startIndex, count }: ListQuery): Promise<Page> {
  const from = startIndex - 1
  const page: Resource[] = []
  let total = 0
  for (const source of sources) {
    const wanted = { skip: Math.max(0, from - total), limit: count - page.length }
    const found = await (source.test === undefined ? windowOf(source, wanted) : matching(source, wanted))
    page.push(...found.entries.map(source.show))
    total += found.total
  }
  return { total, page }
}

interface Wanted {
  skip: number
  limit: number
}

/** Without a filter the database counts and skips. */
async function windowOf(source: Source, { skip, limit }: Wanted) {
  if (source.isEmpty) return { total: 0, entries: [] }
  const { kind, reading, narrowing } = source
  const total = await kind.count(reading, narrowing)
  const entries =
    limit > 0 && skip < total ? await kind.list(reading, narrowing, { limit, offset: skip }) : []
  return { total, entries }
}

async function matching(source: Source, { skip, limit }: Wanted) {
  const ids: string[] = []
  let total = 0
  for await (const { id } of scan(source)) {
    if (total >= skip && ids.length < limit) ids.push(id)
    total += 1
  }
  return { total, entries: await source.kind.byIds(source.reading, ids) }
}

/** All that fit, in the order of ids; a few are held at once. */
async function* scan({ kind, scanning, narrowing, test, isEmpty }: Source): AsyncGenerator<Entry> {
  let after: string | undefined
  for (let isMore = !isEmpty; isMore;) {
    const entries = await kind.list(scanning, narrowing, { limit: kind.rowsPerRead, after })
    for (const entry of entries) if (test?.(entry.resource) !== false) yield entry
    after = entries.at(-1)?.id
    isMore = entries.length === kind.rowsPerRead
  }
}

async function sorted(
  sources: readonly Source[],
  { sortBy, descending, startIndex, count }: ListQuery & { sortBy: string },
): Promise<Page> {
  const keys = sources.map(({ kind }) => sortKeyOf(kind, sortBy))
  if (keys.every((key) => key === undefined))
    throw invalid('invalidPath', `sortBy: there is no attribute ${sortBy.slice(0, 64)} to sort by.`)
  const all: { id: string; key: string | undefined; source: Source }[] = []
  for (const [index, source] of sources.entries())
    for await (const { id, resource } of scan(source)) all.push({ id, key: keys[index]?.(resource), source })
  const sign = descending ? -1 : 1
  all.sort((one, other) => sign * compareKeys(one.key, other.key))
  const chosen = all.slice(startIndex - 1, startIndex - 1 + count)
  const shown = new Map<string, Resource>()
  for (const source of sources) {
    const ids = chosen.filter((one) => one.source === source).map(({ id }) => id)
    for (const entry of await source.kind.byIds(source.reading, ids)) shown.set(entry.id, source.show(entry))
  }
  return { total: all.length, page: chosen.map(({ id }) => shown.get(id)).filter((one) => one !== undefined) }
}

/** What is not there comes last, or first where the order is turned around (§3.4.2.3). */
function compareKeys(one: string | undefined, other: string | undefined): number {
  if (one === other) return 0
  if (one === undefined) return 1
  if (other === undefined) return -1
  return one < other ? -1 : 1
}

/** Of several values the primary one counts, else the first (§3.4.2.3). */
function sortKeyOf({ schema }: Kind<unknown>, sortBy: string) {
  const path = resolvePath(schema, sortBy)
  if (path === undefined || path === 'unkept') return undefined
  const { attribute } = path
  const part =
    path.sub ??
    (attribute.type === 'complex' ? attributeNamed(attribute.subAttributes ?? [], 'value') : undefined)
  if (attribute.type === 'complex' && part === undefined) return undefined
  return (resource: Resource): string | undefined => {
    const value = resource[attribute.name]
    const one = Array.isArray(value)
      ? (value.find((each: Resource) => each['primary'] === true) ?? value[0])
      : value
    return textOf(part ?? attribute, part === undefined ? one : (one as Resource | undefined)?.[part.name])
  }
}

function textOf({ caseExact, type }: Attribute, value: unknown): string | undefined {
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined
  const text = String(value)
  return caseExact === true || type === 'dateTime' ? text : foldCase(text)
}
