/** One JSON record of a log: parsed, redacted, and read without trust in its shape. */
import { redactJson } from './redact.ts'

export type JsonObject = Readonly<Record<string, unknown>>

/** Undefined: no JSON, or no object. Everything in it is redacted. */
export function readJsonObject(text: string): JsonObject | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  return isObject(value) ? (redactJson(value) as JsonObject) : undefined
}

/** `requestParameters.bucketName`: nested, or as one name with dots, as some exports write it; names in any case. */
export function valueAt(object: JsonObject, path: string): unknown {
  const whole = member(object, path)
  if (whole !== undefined) return whole
  let value: unknown = object
  for (const name of path.split('.')) {
    if (!isObject(value)) return undefined
    value = member(value, name)
  }
  return value
}

/** Texts and numbers; null for everything else, and for the `-` and the empty text that logs write for nothing. */
export function textAt(object: JsonObject, path: string): string | null {
  const value = valueAt(object, path)
  const text = typeof value === 'number' ? String(value) : value
  return typeof text === 'string' && text !== '' && text !== '-' ? text : null
}

/** As above, for objects' keys: `-` is one like any other where the log does not write it for nothing. */
export function keyAt(object: JsonObject, path: string): string | null {
  const value = valueAt(object, path)
  return value === '-' ? value : textAt(object, path)
}

/** Whole and not negative, also where the log writes it as text. */
export function numberAt(object: JsonObject, path: string): number | null {
  return numberOf(textAt(object, path))
}

export function numberOf(text: string | null): number | null {
  return text !== null && /^\d{1,16}$/.test(text) ? Number(text) : null
}

export function statusOf(text: string | null): number | null {
  return text !== null && /^[1-5]\d\d$/.test(text) ? Number(text) : null
}

export function objectAt(object: JsonObject, path: string): JsonObject | undefined {
  const value = valueAt(object, path)
  return isObject(value) ? value : undefined
}

/** Names with their texts; a name with a list of texts once for each. */
export function textEntries(object: JsonObject | undefined): [name: string, value: string][] {
  return Object.entries(object ?? {}).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value])
      .filter((item) => typeof item === 'string' || typeof item === 'number')
      .map((item): [string, string] => [name, String(item)]),
  )
}

function member(object: JsonObject, name: string): unknown {
  if (Object.hasOwn(object, name)) return object[name]
  const folded = name.toLowerCase()
  const same = Object.keys(object).find((key) => key.toLowerCase() === folded)
  return same === undefined ? undefined : object[same]
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
