import { batchItemsMax, type IssuedUrl, type SignpostError, type UrlRequestInput } from '@signpost/contract'
import type { ApiClient } from './api-client.ts'
import { errorOfProblem } from './api-error.ts'
import { backoffMs, sleep, type RetryPolicy } from './retry.ts'
import { TransferError } from './transfer-error.ts'

/** The answer to one item of `urls`, in the order of the items. A bad item does not end the others. */
export type UrlResult<T extends UrlRequestInput = UrlRequestInput> =
  | { ok: true; index: number; item: T; url: IssuedUrl }
  | { ok: false; index: number; item: T; error: SignpostError }

export interface UrlsOptions {
  /** Items of one request; 1 to 10,000 (the default). */
  batchSize?: number | undefined
  /** Which of the bucket's addresses they are for, where an item does not say; unless told, the client's. */
  audience?: string | undefined
  signal?: AbortSignal | undefined
}

export interface BatchUrlsDeps {
  api: ApiClient
  retry: RetryPolicy
  random: () => number
  /** For items that name none themselves. */
  audience?: string | undefined
}

/**
 * Asks for any number of URLs, as few at a time as the caller takes: the next request goes out when the lines of
 * the last one have been read. When an answer breaks off, only what is missing is asked for again.
 */
export async function* batchUrls<T extends UrlRequestInput>(
  deps: BatchUrlsDeps,
  team: string,
  items: Iterable<T> | AsyncIterable<T>,
  options: UrlsOptions = {},
): AsyncGenerator<UrlResult<T>, void, void> {
  const batchSize = Math.min(Math.max(1, options.batchSize ?? batchItemsMax), batchItemsMax)
  let first = 0
  for await (const batch of chunked(items, batchSize)) {
    yield* askBatch(deps, team, batch, first, options.signal)
    first += batch.length
  }
}

async function* askBatch<T extends UrlRequestInput>(
  deps: BatchUrlsDeps,
  team: string,
  batch: T[],
  first: number,
  signal: AbortSignal | undefined,
): AsyncGenerator<UrlResult<T>, void, void> {
  let answered = 0
  while (answered < batch.length) {
    const before = answered
    let broken: unknown
    try {
      const { audience } = deps
      const left = batch.slice(answered)
      const body = { items: audience === undefined ? left : left.map((item) => ({ audience, ...item })) }
      for await (const line of deps.api.stream('issueUrls', { params: { team }, body }, { signal })) {
        const item = batch[before + line.index]
        if (item === undefined || line.index !== answered - before) throw outOfOrder()
        const index = first + answered
        answered += 1
        if ('error' in line) {
          yield { ok: false, index, item, error: errorOfProblem(line.error, line.error.status) }
        } else {
          const { index: _, ...url } = line
          yield { ok: true, index, item, url }
        }
      }
      broken = answered < batch.length ? brokenOff() : undefined
    } catch (error) {
      broken = error
    }
    if (broken === undefined) return
    // The request itself has been tried again already: here only an answer that broke off counts.
    const brokeOff = broken instanceof TransferError && broken.code === 'network' && answered > before
    if (!brokeOff || deps.retry.retries === 0) throw broken
    await sleep(backoffMs(deps.retry, 0, deps.random), signal)
  }
}

function brokenOff(): TransferError {
  return new TransferError('network', 'The answer with the URLs broke off', { peer: 'signpost' })
}

function outOfOrder(): TransferError {
  return new TransferError('bad_reply', 'The URLs did not come in the order of the items', {
    peer: 'signpost',
  })
}

async function* chunked<T>(items: Iterable<T> | AsyncIterable<T>, size: number): AsyncGenerator<T[]> {
  let batch: T[] = []
  for await (const item of items) {
    batch.push(item)
    if (batch.length < size) continue
    yield batch
    batch = []
  }
  if (batch.length > 0) yield batch
}
