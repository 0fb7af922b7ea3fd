import { objectAddress, type AddressInput } from './address.ts'
import { createTransferDeps, signpostOf, type Signpost, type SignpostOptions } from './create-signpost.ts'
import { downloadFile, type DownloadedFile, type DownloadFileOptions } from './download-file.ts'
import { createNodeTransport, type NodeTransportOptions } from './node-transport.ts'
import {
  downloadFiles,
  uploadFiles,
  type DownloadFilesOptions,
  type FileResult,
  type FileTransfer,
  type UploadFilesOptions,
} from './transfer-files.ts'
import { uploadFile } from './upload-file.ts'
import { forCall } from './transfer-deps.ts'
import type { UploadOptions, UploadResult } from './upload.ts'

export * from './index.ts'
export { createNodeTransport, type NodeTransportOptions } from './node-transport.ts'
export type { DownloadedFile, DownloadFileOptions } from './download-file.ts'
export type { DownloadFilesOptions, FileResult, FileTransfer, UploadFilesOptions } from './transfer-files.ts'

/** `Signpost`, and files. */
export interface NodeSignpost extends Signpost {
  /** Stores a file; of a pipe, what comes out of it. */
  uploadFile(address: AddressInput, path: string, options?: UploadOptions): Promise<UploadResult>
  /** Reads an object into a file, by way of `<path>.part`; goes on with what a broken download left there. */
  downloadFile(address: AddressInput, path: string, options?: DownloadFileOptions): Promise<DownloadedFile>
  /** Stores many files, large and small; results come as they are there, failures among them. */
  uploadFiles<F extends FileTransfer>(
    files: Iterable<F> | AsyncIterable<F>,
    options?: UploadFilesOptions<F>,
  ): AsyncGenerator<FileResult<F, UploadResult>, void, void>
  /** Reads many objects into files. */
  downloadFiles<F extends FileTransfer>(
    files: Iterable<F> | AsyncIterable<F>,
    options?: DownloadFilesOptions<F>,
  ): AsyncGenerator<FileResult<F, DownloadedFile>, void, void>
  /** Closes connections that are kept open. */
  close(): void
}

export type NodeSignpostOptions = SignpostOptions & NodeTransportOptions

/** A client that moves bytes by `node:http` and knows files. */
export function createSignpost(options: NodeSignpostOptions): NodeSignpost {
  const transport = options.transport ?? createNodeTransport(options)
  const deps = createTransferDeps({ ...options, transport })
  return {
    ...signpostOf(deps),
    uploadFile: async (address, path, fileOptions = {}) =>
      uploadFile(forCall(deps, fileOptions), objectAddress(address), path, fileOptions),
    downloadFile: async (address, path, fileOptions = {}) =>
      downloadFile(forCall(deps, fileOptions), objectAddress(address), path, fileOptions),
    uploadFiles: (files, filesOptions = {}) => uploadFiles(forCall(deps, filesOptions), files, filesOptions),
    downloadFiles: (files, filesOptions = {}) =>
      downloadFiles(forCall(deps, filesOptions), files, filesOptions),
    close: () => transport.close?.(),
  }
}
