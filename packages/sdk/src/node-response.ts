import type http from 'node:http'
import type { RawReads } from './raw-reads.ts'
import type { TransferResponse } from './transport.ts'

/** Bytes that gather before they are written; small chunks would cost a system call each. */
const writeBytesMin = 512 * 1024
/** Bytes that wait for a write before the connection is held back. */
const waitingBytesMax = 2 * 1024 * 1024
/** A rest of an answer that is read rather than hung up upon, so that the connection can be kept. */
const restBytesMax = 64 * 1024

/** @param errorOf makes the error to throw of what the connection says */
export function nodeResponse(
  outgoing: http.ClientRequest,
  incoming: http.IncomingMessage,
  errorOf: (cause: unknown) => Error,
  rawReads: RawReads | undefined,
): TransferResponse {
  // Without a listener an error that comes before the body is read would end the process.
  let broken: Error | undefined
  incoming.on('error', (cause) => (broken = errorOf(cause)))
  return {
    status: incoming.statusCode ?? 0,
    header(name) {
      const value = incoming.headers[name]
      return value === undefined ? null : String(value)
    },
    crossOrigin: false,
    body: {
      async *chunks() {
        try {
          for await (const chunk of incoming) yield chunk as Uint8Array
        } catch (cause) {
          throw errorOf(cause)
        }
      },
      async drain(write) {
        if (broken) throw broken
        const raw = rawReads?.take(incoming)
        if (!raw) return drain(incoming, write, errorOf)
        let failure: { error: unknown } | undefined
        const keepFailure = (error: unknown) => {
          failure = { error }
          throw error
        }
        await raw
          .drain((chunks, bytes) => write(chunks, bytes).catch(keepFailure))
          .catch((cause: unknown) => {
            throw failure ? failure.error : errorOf(cause)
          })
      },
      discard() {
        const isSmall = incoming.complete || restBytesOf(outgoing, incoming) <= restBytesMax
        if (isSmall && outgoing.writableFinished) incoming.resume()
        else incoming.destroy()
      },
    },
  }
}

function restBytesOf(outgoing: http.ClientRequest, incoming: http.IncomingMessage): number {
  return Number(
    incoming.headers['content-length'] ?? (outgoing.method === 'GET' ? Number.POSITIVE_INFINITY : 0),
  )
}

/** By events rather than by iteration, so that what arrives during a write is written at once by the next. */
function drain(
  incoming: http.IncomingMessage,
  write: (chunks: Uint8Array[], bytes: number) => Promise<void>,
  errorOf: (cause: unknown) => Error,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let chunks: Uint8Array[] = []
    let bytes = 0
    let writing = false
    let ended = false
    let failure: Error | undefined

    const settle = () => {
      if (failure) reject(failure)
      else resolve()
    }
    const flush = () => {
      if (writing) return
      if (bytes === 0 || failure) {
        if (ended || failure) settle()
        return
      }
      if (!ended && bytes < writeBytesMin) return
      const batch = chunks
      const batchBytes = bytes
      chunks = []
      bytes = 0
      writing = true
      write(batch, batchBytes)
        .catch((error: unknown) => {
          failure = error as Error
          incoming.destroy()
        })
        .finally(() => {
          writing = false
          if (incoming.isPaused()) incoming.resume()
          flush()
        })
    }
    const end = (error?: Error) => {
      if (error) failure ??= error
      ended = true
      flush()
    }
    incoming.on('data', (chunk: Uint8Array) => {
      chunks.push(chunk)
      bytes += chunk.byteLength
      if (writing && bytes >= waitingBytesMax) incoming.pause()
      flush()
    })
    incoming.once('end', () => end())
    incoming.once('error', (cause) => end(errorOf(cause)))
    incoming.once('close', () => {
      if (!incoming.complete) end(errorOf(new Error('the connection was closed too early')))
    })
  })
}
