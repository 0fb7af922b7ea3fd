/**
 * Filters (RFC 7644 §3.4.2.2) and the paths of PATCH (§3.5.2), by recursive descent with a bound on everything. Our own: the
 * one kept library (scim2-parse-filter 0.2.10) reads `"a\nb"` as a backslash, knows no `$ref`, takes `emails[..].value eq`
 * for two conditions on any two addresses, and recurses as deep as it is told to.
 */
import { invalid, type ScimError } from './errors.ts'

export const comparisons = ['eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le'] as const
export type Comparison = (typeof comparisons)[number]

export type Filter =
  | { op: 'and' | 'or'; all: Filter[] }
  | { op: 'not'; of: Filter }
  | { op: 'pr'; path: string }
  | { op: Comparison; path: string; value: string | number | boolean | null }
  /** One and the same value of the attribute fits. */
  | { op: 'within'; path: string; of: Filter }

export interface PatchPath {
  path: string
  /** Which values of it. */
  of?: Filter
  /** What of these values. */
  sub?: string
}

const lengthMax = 8192
const depthMax = 20
const conditionsMax = 100

/** Letters of an attribute's name, dots, and the colons of a URN. */
const name = /[A-Za-z$][\w$.:-]*/y
/** RFC 8259: a string, a number. Neither can be read in two ways, so that no text takes long. */
const literal = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])/y
const blanks = /[ \t]*/y

interface Reading {
  text: string
  at: number
  conditions: number
  fail: (what: string) => ScimError
}

export function parseFilter(text: string): Filter {
  const reading = begin(text, 'invalidFilter', 'filter')
  const filter = readOr(reading, 0)
  requireEnd(reading)
  return filter
}

/** `attr`, `attr.sub`, `attr[filter]` or `attr[filter].sub`. */
export function parsePatchPath(text: string): PatchPath {
  const reading = begin(text, 'invalidPath', 'path')
  const path = take(reading, name)
  if (path === undefined) throw reading.fail('must begin with the name of an attribute')
  if (!takeSign(reading, '[')) {
    requireEnd(reading)
    return { path }
  }
  const of = readOr(reading, 1)
  if (!takeSign(reading, ']')) throw reading.fail('lacks a ]')
  if (reading.text[reading.at] !== '.') {
    requireEnd(reading)
    return { path, of }
  }
  reading.at += 1
  const sub = take(reading, name)
  if (sub === undefined) throw reading.fail('lacks a name after ].')
  requireEnd(reading)
  return { path, of, sub }
}

function begin(text: string, scimType: 'invalidFilter' | 'invalidPath', field: string): Reading {
  const reading: Reading = {
    text,
    at: 0,
    conditions: 0,
    fail: (what) => invalid(scimType, `${field}: ${what} (at character ${reading.at + 1}).`),
  }
  if (text.length > lengthMax) throw reading.fail(`is longer than ${lengthMax} characters`)
  take(reading, blanks)
  return reading
}

/** `and` binds closer than `or`. */
function readOr(reading: Reading, depth: number): Filter {
  return readJoined(reading, 'or', () => readJoined(reading, 'and', () => readOne(reading, depth)))
}

function readJoined(reading: Reading, word: 'and' | 'or', next: () => Filter): Filter {
  const all = [next()]
  while (takeWord(reading, word)) all.push(next())
  return all.length === 1 ? all[0]! : { op: word, all }
}

function readOne(reading: Reading, depth: number): Filter {
  if (depth > depthMax) throw reading.fail(`is nested deeper than ${depthMax}`)
  if (++reading.conditions > conditionsMax) throw reading.fail(`has more than ${conditionsMax} conditions`)
  if (takeSign(reading, '(')) return readGroup(reading, depth)
  const path = take(reading, name)
  if (path === undefined) throw reading.fail('an attribute, "not (" or "(" is expected')
  if (path.toLowerCase() === 'not' && takeSign(reading, '('))
    return { op: 'not', of: readGroup(reading, depth) }
  return takeSign(reading, '[') ? readWithin(reading, path, depth) : readComparison(reading, path)
}

function readGroup(reading: Reading, depth: number): Filter {
  const filter = readOr(reading, depth + 1)
  if (!takeSign(reading, ')')) throw reading.fail('a ) is expected')
  return filter
}

/** `emails[type eq "work"]`, and as Entra matches: `emails[type eq "work"].value eq "a@b.c"`. */
function readWithin(reading: Reading, path: string, depth: number): Filter {
  const of = readOr(reading, depth + 1)
  if (!takeSign(reading, ']')) throw reading.fail('a ] is expected')
  if (reading.text[reading.at] !== '.') return { op: 'within', path, of }
  reading.at += 1
  const sub = take(reading, name)
  if (sub === undefined) throw reading.fail('a name is expected after ].')
  return { op: 'within', path, of: { op: 'and', all: [of, readComparison(reading, sub)] } }
}

function readComparison(reading: Reading, path: string): Filter {
  const word = take(reading, name)?.toLowerCase()
  if (word === 'pr') return { op: 'pr', path }
  const op = comparisons.find((one) => one === word)
  if (op === undefined) throw reading.fail(`one of pr, ${comparisons.join(', ')} is expected`)
  return { op, path, value: readValue(reading) }
}

function readValue(reading: Reading): string | number | boolean | null {
  const found = take(reading, literal)
  if (found !== undefined) {
    try {
      return JSON.parse(found) as string | number
    } catch {
      throw reading.fail('this is no JSON string')
    }
  }
  const word = take(reading, name)?.toLowerCase()
  if (word === 'true' || word === 'false') return word === 'true'
  if (word === 'null') return null
  throw reading.fail('a string in ", a number, true, false or null is expected')
}

/** What stands here, and the blanks after it. */
function take(reading: Reading, what: RegExp): string | undefined {
  what.lastIndex = reading.at
  const found = what.exec(reading.text)?.[0]
  if (found === undefined) return undefined
  reading.at += found.length
  blanks.lastIndex = reading.at
  if (what !== blanks && blanks.test(reading.text)) reading.at = blanks.lastIndex
  return found
}

function takeSign(reading: Reading, sign: string): boolean {
  if (reading.text[reading.at] !== sign) return false
  reading.at += 1
  // A dot after a bracket must follow at once.
  if (!(sign === ']' && reading.text[reading.at] === '.')) take(reading, blanks)
  return true
}

function takeWord(reading: Reading, word: string): boolean {
  const from = reading.at
  if (take(reading, name)?.toLowerCase() === word) return true
  reading.at = from
  return false
}

function requireEnd(reading: Reading): void {
  if (reading.at < reading.text.length) throw reading.fail('something is left over')
}
