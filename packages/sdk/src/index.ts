export {
  SignpostError,
  type ErrorCode,
  type IssuedUrl,
  type UrlRequestInput,
  type Verification,
} from '@signpost/contract'
export { formatAddress, parseAddress, type Address, type AddressInput } from './address.ts'
export type { ApiClient, CallOptions, PlainOperationId, StreamedOperationId } from './api-client.ts'
export type { UrlResult, UrlsOptions } from './batch-urls.ts'
export {
  createSignpost,
  type PagedOperationId,
  type Signpost,
  type SignpostOptions,
} from './create-signpost.ts'
export type { Download, DownloadOptions } from './download.ts'
export type { IdentityToken } from './exchanged-token.ts'
export { createFetchTransport } from './fetch-transport.ts'
export type { ListEntry, ListOptions, ObjectEntry, PrefixEntry } from './list-objects.ts'
export type { ObjectInfo } from './open-object.ts'
export type { OnProgress, Progress } from './progress.ts'
export { redactUrl, TransferError, type TransferErrorCode } from './transfer-error.ts'
export type {
  ReadableFile,
  TransferBody,
  TransferRequest,
  TransferResponse,
  TransferResponseBody,
  Transport,
} from './transport.ts'
export type { UploadOptions, UploadResult } from './upload.ts'
export type { UploadSource } from './upload-source.ts'
