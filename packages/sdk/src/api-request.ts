import { SignpostError, type Operation } from '@signpost/contract'

/** What the contract's input types come down to. */
export interface RawInput {
  params?: Readonly<Record<string, string>>
  query?: Readonly<Record<string, unknown>>
  body?: unknown
}

/** The operation's URL below `base`, with its path parameters and query filled in. */
export function operationUrl(base: URL, operation: Pick<Operation, 'path'>, input: RawInput): string {
  const path = operation.path.replaceAll(/\{(\w+)(\*?)\}/g, (_, name: string, rest: string) => {
    const value = input.params?.[name] ?? ''
    return rest
      ? value
          .split('/')
          .map((part) => segment(part, name))
          .join('/')
      : segment(value, name)
  })
  const url = new URL(base.href)
  url.pathname = base.pathname.replace(/\/$/, '') + path
  url.hash = ''
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(input.query ?? {})) {
    if (value === undefined || value === null) continue
    query.set(name, value instanceof Date ? value.toISOString() : String(value as string | number | boolean))
  }
  url.search = query.toString()
  return url.href
}

/** `.` and `..` would be resolved on the way, encoded or not, and so reach another route. */
function segment(text: string, name: string): string {
  if (text === '.' || text === '..') {
    throw new SignpostError(
      name === 'key' ? 'invalid_key' : 'invalid',
      `"${name}" must not hold the path segment "${text}"`,
      { field: name },
    )
  }
  return encodeURIComponent(text)
}
