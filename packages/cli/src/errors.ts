import { redactSecrets } from './redact.ts'
import { printable } from './text.ts'

/** The command line is not right; the message says what to write instead. */
export class UsageError extends Error {
  readonly exitCode = 2

  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

/** What is said of any error: one sentence, its code and the request's id. Never a stack, never a secret. */
export interface ErrorReport {
  message: string
  code: string | null
  requestId: string | null
}

const systemSentences: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EISDIR: 'it is a folder, not a file',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EEXIST: 'there is something else of that name',
  ENOSPC: 'no space left',
  EROFS: 'the file system is read-only',
  EMFILE: 'too many open files',
  ENAMETOOLONG: 'the name is too long for this file system',
  ELOOP: 'symbolic links go in a circle',
}

export function reportOf(error: unknown): ErrorReport {
  if (!(error instanceof Error)) return { message: redactSecrets(String(error)), code: null, requestId: null }
  const { code, requestId, storeRequestId, path, syscall } = error as Partial<
    Record<'code' | 'requestId' | 'storeRequestId' | 'path' | 'syscall', unknown>
  >
  const sentence = typeof syscall === 'string' && typeof code === 'string' ? systemSentences[code] : undefined
  const message =
    sentence === undefined ? error.message : typeof path === 'string' ? `${path}: ${sentence}` : sentence
  const id = requestId ?? storeRequestId
  return {
    message: printable(redactSecrets(message)),
    code: typeof code === 'string' ? code : null,
    requestId: typeof id === 'string' ? id : null,
  }
}

/** `<sentence> (code, request id)` */
export function sentenceOf(error: unknown): string {
  const { message, code, requestId } = reportOf(error)
  const details = [code, requestId === null ? null : `request ${requestId}`].filter((text) => text !== null)
  return details.length === 0 ? message : `${message} (${details.join(', ')})`
}
