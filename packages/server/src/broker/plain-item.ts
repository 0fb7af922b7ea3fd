import type { UrlRequest } from '@signpost/contract'

/**
 * An item that says no more than action and key (and its method), as nearly all of a large batch do: what the schema
 * would make of it. Undefined: the schema has to decide.
 */
export function plainItem(item: unknown): UrlRequest | undefined {
  if (typeof item !== 'object' || item === null) return undefined
  const { action, key, method } = item as Record<string, unknown>
  if ((action !== 'read' && action !== 'write') || typeof key !== 'string') return undefined
  if (method !== undefined && method !== 'GET' && method !== 'PUT') return undefined
  for (const name in item) if (name !== 'action' && name !== 'key' && name !== 'method') return undefined
  return method === undefined
    ? { action, key, expiryMode: 'shorten' }
    : { action, key, method, expiryMode: 'shorten' }
}
