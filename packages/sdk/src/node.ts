import { readFile } from 'node:fs/promises'
import { SignpostError } from '@signpost/contract'
import { objectAddress, type AddressInput } from './address.ts'
import { createTransferDeps, signpostOf, type Signpost, type SignpostOptions } from './create-signpost.ts'
import { downloadFile, type DownloadedFile, type DownloadFileOptions } from './download-file.ts'
import type { IdentityToken } from './exchanged-token.ts'
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

export type NodeSignpostOptions = Omit<SignpostOptions, 'identityToken'> &
  NodeTransportOptions & {
    /** As everywhere, or the file where the platform keeps it, which is read anew each time. */
    identityToken?: IdentityToken | { file: string } | undefined
  }

/** A client that moves bytes by `node:http` and knows files. */
export function createSignpost(options: NodeSignpostOptions): NodeSignpost {
  const transport = options.transport ?? createNodeTransport(options)
  const identityToken = identityTokenOf(options.identityToken)
  const deps = createTransferDeps({ ...options, identityToken, transport })
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

/** Kubernetes and others put a new token into the file before the old one ends. */
function identityTokenOf(given: NodeSignpostOptions['identityToken']): IdentityToken | undefined {
  if (typeof given !== 'object') return given
  return () =>
    readFile(given.file, 'utf8').catch((cause: NodeJS.ErrnoException) => {
      throw new SignpostError('invalid', `identityToken: ${given.file} cannot be read (${cause.code})`, {
        field: 'identityToken',
        cause,
      })
    })
}
