import type { Reply } from '@signpost/contract'
import type { ApiClient } from './api-client.ts'

export interface ListOptions {
  /** Only keys that begin with it. */
  prefix?: string | undefined
  /** `/` gives the level below `prefix`: its objects, and the prefixes that go deeper. */
  delimiter?: string | undefined
  /** Objects a page; 1 to 1,000 (the default). */
  pageSize?: number | undefined
  signal?: AbortSignal | undefined
}

export type ObjectEntry = Reply<'listObjects'>['items'][number]
/** A level below: its prefix ends with the delimiter. */
export interface PrefixEntry {
  prefix: string
}
export type ListEntry = ObjectEntry | PrefixEntry

/** Every object below a prefix, page by page as the caller goes on. */
export async function* listObjects(
  api: ApiClient,
  team: string,
  options: ListOptions = {},
): AsyncGenerator<ListEntry, void, void> {
  let cursor: string | undefined
  do {
    const query = {
      ...(options.prefix === undefined ? {} : { prefix: options.prefix }),
      ...(options.delimiter === undefined ? {} : { delimiter: options.delimiter }),
      ...(options.pageSize === undefined ? {} : { limit: options.pageSize }),
      ...(cursor === undefined ? {} : { cursor }),
    }
    const page = await api.call('listObjects', { params: { team }, query }, { signal: options.signal })
    for (const prefix of page.prefixes) yield { prefix }
    yield* page.items
    cursor = page.nextCursor ?? undefined
  } while (cursor !== undefined)
}
