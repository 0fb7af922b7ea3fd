import { SignpostError } from '@signpost/contract'
import type { Io } from './io.ts'
import type { ServerSettings } from './server-settings.ts'

/** How a client of this command speaks to the server. */
export interface ServerAccess {
  fetch: typeof fetch
  mayRetry: (error: Error, attempt: number) => boolean
}

/** Further tries while the server has never answered, and there is none at that address. */
const firstTries = 1

/** Says on a terminal why it waits, and with which key it was refused. */
export function createServerAccess(io: Io, server: ServerSettings): ServerAccess {
  let hasAnswered = false
  let isTold = false
  return {
    async fetch(...request) {
      const response = await fetch(...request)
      hasAnswered = true
      isTold = false
      if (response.status === 401) throw await unknownKey(response, server)
      return response
    },
    mayRetry(error, attempt) {
      // A server that has been there comes back after a restart; one that never was is more likely a wrong address.
      if (!hasAnswered && attempt >= firstTries && isNowhere(error)) return false
      if (io.stderr.isTTY && !isTold && isNoAnswer(error)) {
        isTold = true
        io.stderr.write(`\r\u001b[Ksignpost: no answer from ${server.url}, trying again ...\n`)
      }
      return true
    },
  }
}

function isNoAnswer(error: Error): boolean {
  return (error as { code?: unknown }).code === 'network'
}

function isNowhere(error: Error): boolean {
  const cause = (error.cause as { cause?: { code?: unknown } } | undefined)?.cause
  return isNoAnswer(error) && (cause?.code === 'ECONNREFUSED' || cause?.code === 'ENOTFOUND')
}

/** Anything between here and the server may have answered: what it says is shown only by its request id. */
async function unknownKey(response: Response, { url, tokenFrom }: ServerSettings): Promise<SignpostError> {
  const problem = (await response.json().catch(() => null)) as { requestId?: unknown } | null
  const { requestId } = problem ?? {}
  const fromEnvironment = tokenFrom !== undefined && tokenFrom.startsWith('SIGNPOST_')
  const fix = fromEnvironment ? `set another one, or unset ${tokenFrom} and run` : 'run'
  const from = tokenFrom === undefined ? '' : ` (from ${tokenFrom})`
  const why = tokenFrom === undefined ? '' : '; one that has expired or was deleted is not known any more'
  return new SignpostError(
    'unauthenticated',
    `the server at ${url} does not know this API key${from}: ${fix} \`signpost login\`${why}`,
    typeof requestId === 'string' ? { requestId } : {},
  )
}
