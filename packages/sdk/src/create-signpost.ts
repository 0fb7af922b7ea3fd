import {
  SignpostError,
  type CallInput,
  type IssuedUrl,
  type OperationId,
  type Reply,
  type UrlRequestInput,
  type Verification,
} from '@signpost/contract'
import { objectAddress, type AddressInput } from './address.ts'
import {
  baseUrl,
  createApiClient,
  type ApiClient,
  type ApiClientDeps,
  type CallOptions,
  type PlainOperationId,
} from './api-client.ts'
import { batchUrls, type UrlResult, type UrlsOptions } from './batch-urls.ts'
import { downloadObject, type Download, type DownloadOptions } from './download.ts'
import { createExchangedToken, type IdentityToken } from './exchanged-token.ts'
import { createFetchTransport } from './fetch-transport.ts'
import { listObjects, type ListEntry, type ListOptions } from './list-objects.ts'
import { defaultRetryPolicy } from './retry.ts'
import type { Transport } from './transport.ts'
import { audienceField, forCall, type TransferDeps } from './transfer-deps.ts'
import { uploadSource, type UploadOptions, type UploadResult } from './upload.ts'
import { openSource, type UploadSource } from './upload-source.ts'
import { verifyWrite } from './verify-write.ts'

export interface SignpostOptions {
  /** Address of the Signpost server, such as `https://signpost.example.com`. */
  url: string
  /** An API key, or what gives one; left out where a cookie speaks for the user. */
  token?: string | (() => string | Promise<string>) | undefined
  /**
   * Gives the platform's own token of this workload, which is exchanged for access tokens by a trust rule of the server;
   * asked again whenever one is renewed. In place of `token`.
   */
  identityToken?: IdentityToken | undefined
  /** For Signpost's API, and in browsers for the stores too. */
  fetch?: typeof fetch | undefined
  /** Further tries after a passing failure; default 5. 0 switches them off. */
  retries?: number | undefined
  /** Longest wait before the second try, ms; default 200. Doubles with each try, up to 10 s. */
  retryBaseMs?: number | undefined
  /**
   * Asked before each further try to reach Signpost, with the failure and how many tries came before that one (0 for the
   * first); false gives up.
   */
  mayRetry?: ((error: Error, attempt: number) => boolean) | undefined
  /**
   * Which of the bucket's addresses URLs are for, by the name that its connector has for it; unless told, the server
   * chooses by where the request comes from. Each call can say another.
   */
  audience?: string | undefined
  /** How bytes move to and from stores; default: by fetch. */
  transport?: Transport | undefined
  /** How this client names itself in Signpost's audit events (not in browsers). */
  userAgent?: string | undefined
  /** ms since the epoch */
  clock?: (() => number) | undefined
}

/** Operations whose replies are pages. */
export type PagedOperationId = {
  [Id in PlainOperationId]: Reply<Id> extends { items: unknown[]; nextCursor: string | null } ? Id : never
}[PlainOperationId]
type ItemOf<Id extends OperationId> = Reply<Id> extends { items: (infer Item)[] } ? Item : never

/** All methods throw `SignpostError` for what Signpost answers, `TransferError` for all else, or the signal's reason. */
export interface Signpost extends ApiClient {
  /** Every item of a paged list, page by page as the caller goes on. */
  items<Id extends PagedOperationId>(
    id: Id,
    input: CallInput<Id>,
    options?: CallOptions,
  ): AsyncGenerator<ItemOf<Id>, void, void>
  /** Asks for one pre-signed URL. */
  url(team: string, request: UrlRequestInput, options?: { signal?: AbortSignal }): Promise<IssuedUrl>
  /** Asks for any number of URLs; answers as they come, in order. */
  urls<T extends UrlRequestInput>(
    team: string,
    items: Iterable<T> | AsyncIterable<T>,
    options?: UrlsOptions,
  ): AsyncGenerator<UrlResult<T>, void, void>
  /** Stores an object: in one PUT, or in parts, by its size. */
  upload(address: AddressInput, source: UploadSource, options?: UploadOptions): Promise<UploadResult>
  /** Opens an object for reading; large ones are read by several ranges at once. */
  download(address: AddressInput, options?: DownloadOptions): Promise<Download>
  /** Reports that a write is done, and has the object looked at: after one's own use of a URL whose answer said `verified-after`. */
  verify(team: string, grantId: string, options?: { signal?: AbortSignal }): Promise<Verification>
  /** Every object below a prefix; with a delimiter also the prefixes of the level below. */
  list(team: string, options?: ListOptions): AsyncGenerator<ListEntry, void, void>
  /** Deletes an object; deleting what is not there is no error. */
  remove(address: AddressInput, options?: { signal?: AbortSignal }): Promise<void>
}

/** A client of one Signpost server. Opens nothing until it is asked. */
export function createSignpost(options: SignpostOptions): Signpost {
  return signpostOf(createTransferDeps(options))
}

export function createTransferDeps(options: SignpostOptions): TransferDeps {
  // A bare `fetch` must be called as the global's own.
  const fetchFrom = options.fetch ?? ((...args: Parameters<typeof fetch>) => globalThis.fetch(...args))
  const clock = options.clock ?? Date.now
  const retry = {
    ...defaultRetryPolicy,
    ...(options.retries === undefined ? {} : { retries: options.retries }),
    ...(options.retryBaseMs === undefined ? {} : { baseMs: options.retryBaseMs }),
  }
  const api = createApiClient({
    url: options.url,
    token: tokenOf(options, fetchFrom, clock),
    userAgent: options.userAgent,
    fetch: fetchFrom,
    retry,
    random: Math.random,
    newId: newIdempotencyKey,
    mayRetry: options.mayRetry ?? (() => true),
  })
  const transport = options.transport ?? createFetchTransport({ fetch: fetchFrom })
  return {
    api,
    transport,
    retry,
    random: Math.random,
    clock,
    audience: options.audience,
  }
}

function tokenOf(
  { url, token, identityToken, userAgent }: SignpostOptions,
  fetchFrom: typeof fetch,
  clock: () => number,
): ApiClientDeps['token'] {
  if (identityToken === undefined) return token
  if (token !== undefined)
    throw new SignpostError('invalid', 'identityToken: goes in place of token', { field: 'identityToken' })
  return createExchangedToken({ base: baseUrl(url), identityToken, fetch: fetchFrom, clock, userAgent })
}

export function signpostOf(deps: TransferDeps): Signpost {
  const { api } = deps
  return {
    call: api.call,
    stream: api.stream,
    ingestLog: api.ingestLog,
    async *items(id, input, callOptions) {
      let cursor: string | undefined
      do {
        const query = { ...(input as { query?: object }).query, ...(cursor === undefined ? {} : { cursor }) }
        const page = (await api.call(id, { ...input, query }, callOptions)) as {
          items: ItemOf<typeof id>[]
          nextCursor: string | null
        }
        yield* page.items
        cursor = page.nextCursor ?? undefined
      } while (cursor !== undefined)
    },
    url: (team, request, urlOptions) =>
      api.call('issueUrl', { params: { team }, body: { ...audienceField(deps), ...request } }, urlOptions),
    urls: (team, items, urlsOptions = {}) => batchUrls(forCall(deps, urlsOptions), team, items, urlsOptions),
    upload: async (address, source, uploadOptions = {}) =>
      uploadSource(forCall(deps, uploadOptions), objectAddress(address), openSource(source), uploadOptions),
    download: async (address, downloadOptions = {}) =>
      downloadObject(forCall(deps, downloadOptions), objectAddress(address), downloadOptions),
    verify: (team, grantId, verifyOptions) => verifyWrite(api, team, grantId, verifyOptions?.signal),
    list: (team, listOptions) => listObjects(api, team, listOptions),
    async remove(address, removeOptions) {
      await api.call('deleteObject', { params: { ...objectAddress(address) } }, removeOptions)
    },
  }
}

/** `crypto.randomUUID` is not there on pages without TLS; this is. */
function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
}
