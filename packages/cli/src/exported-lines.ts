import { createInterface } from 'node:readline'
import { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import type { CallInput } from '@signpost/contract'
import type { Io } from './io.ts'
import type { ServerSettings } from './server-settings.ts'

/**
 * The audit events as the server writes them, line by line and byte for byte: the hash chain is over each event's very
 * text, which would not outlive being parsed and written again. The SDK asks (key, retries, errors); the body of its
 * answer is taken before it is parsed.
 */
export async function* exportedLines(
  io: Io,
  server: ServerSettings,
  query: CallInput<'exportAuditEvents'>['query'],
): AsyncGenerator<string, void, void> {
  const { createSignpost, TransferError } = await import('@signpost/sdk')
  const { createServerAccess } = await import('./server-fetch.ts')
  const access = createServerAccess(io, server)
  const { url, token } = server
  const taken: Response[] = []
  const client = createSignpost({
    url,
    token,
    mayRetry: access.mayRetry,
    userAgent: `signpost-cli/${io.version}`,
    fetch: async (...request) => {
      const response = await access.fetch(...request)
      if (!response.ok) return response
      taken.push(response)
      return new Response(null)
    },
  })
  for await (const _ of client.stream('exportAuditEvents', { query }, { signal: io.signal }));
  const body = taken.at(-1)?.body
  if (!body) return
  const brokenOff = 'the server broke the export off: run it again'
  const input = Readable.fromWeb(body as ReadableStream)
  const lines = createInterface({ input, crlfDelay: Infinity })
  try {
    for await (const line of lines) {
      if (line.startsWith('{"chain":')) yield `${line}\n`
      // A server that fails in the middle says so in its last line.
      else throw new Error(brokenOff)
    }
  } catch (cause) {
    if (cause !== input.errored || io.signal.aborted) throw cause
    throw new TransferError('network', brokenOff, { peer: 'signpost', cause })
  }
}
