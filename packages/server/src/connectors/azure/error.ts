import { SignpostError } from '@signpost/contract'
import { networkError, refusalError, unreadableError, type StoreContext } from '../store-error.ts'

/** The SDK's `RestError`, by shape: the class is not loaded here. */
interface RestError {
  statusCode?: number
  code?: string
  details?: { errorCode?: string }
  response?: { headers?: { get(name: string): string | undefined } }
}

/** What the SDK threw, in Signpost's words. */
export function azureError(error: unknown, context: StoreContext): unknown {
  if (error instanceof SignpostError) return error
  const { statusCode } = (error ?? {}) as RestError
  if (statusCode === undefined) return networkError(error, context) ?? unreadableError(error, context)
  const requestId = (error as RestError).response?.headers?.get('x-ms-request-id')
  return refusalError(
    {
      status: statusCode,
      code: azureCodeOf(error) ?? `HTTP ${statusCode}`,
      ...(requestId === undefined ? {} : { requestId }),
    },
    context,
  )
}

/** Azure's own code; answers to HEAD have it in a header only. */
export function azureCodeOf(error: unknown): string | undefined {
  const { code, details, response } = (error ?? {}) as RestError
  return details?.errorCode ?? response?.headers?.get('x-ms-error-code') ?? code
}

/** There is no such blob; not: no such container. */
export function isBlobAbsent(error: unknown): boolean {
  return (error as RestError | undefined)?.statusCode === 404 && azureCodeOf(error) !== 'ContainerNotFound'
}
