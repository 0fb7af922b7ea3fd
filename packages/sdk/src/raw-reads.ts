import type http from 'node:http'
import type { Socket } from 'node:net'
import { type BufferPool } from './node-body.ts'

/**
 * Reads large bodies past node:http. Its parser copies each body, 64 KiB at a time, into fresh memory, which costs more
 * than all else that a download does: over plain HTTP, 2.7 s of processor time for 2 GiB against 0.4 s. So the parser reads
 * an answer's head, and the rest is read from the socket into buffers that are used again. The parser then no longer
 * knows where it is, so such a connection is closed at the end of the answer.
 */
export interface RawReads {
  agent: http.Agent
  /** Undefined where this answer has to be read by the parser. */
  take(incoming: http.IncomingMessage): RawBody | undefined
}

export interface RawBody {
  /** Resolves when the last write is done; `write` is called for one after the other. */
  drain(write: (chunks: Uint8Array[], bytes: number) => Promise<void>): Promise<void>
}

/** Below this size a connection that is kept is worth more. */
const rawBytesMin = 4 * 1024 * 1024
const parsedReadBytes = 64 * 1024
/** Buffers that wait for a write before the connection is held back. */
const waitingMax = 4

interface Reader {
  taker?: (buffer: Uint8Array, bytes: number) => void
}

/** Prepares an agent whose connections can be taken over. */
export function createRawReads(agent: http.Agent, pool: BufferPool): RawReads {
  const readers = new WeakMap<Socket, Reader>()
  const connect = agent.createConnection.bind(agent)
  agent.createConnection = (options, done) => {
    const reader: Reader = {}
    const onread = {
      buffer: () => (reader.taker ? pool.take() : Buffer.allocUnsafeSlow(parsedReadBytes)),
      callback(bytes: number, buffer: Uint8Array) {
        if (reader.taker) reader.taker(buffer, bytes)
        else socket.emit('data', buffer.subarray(0, bytes))
        return true
      },
    }
    const socket = connect({ ...options, onread } as http.ClientRequestArgs, done) as Socket
    readers.set(socket, reader)
    return socket
  }
  return {
    agent,
    take(incoming) {
      const reader = readers.get(incoming.socket)
      const bytes = Number(incoming.headers['content-length'])
      if (!reader || incoming.readableFlowing !== null || !(bytes >= rawBytesMin)) return undefined
      return { drain: (write) => drainRaw(incoming, reader, bytes, pool, write) }
    },
  }
}

function drainRaw(
  incoming: http.IncomingMessage,
  reader: Reader,
  bodyBytes: number,
  pool: BufferPool,
  write: (chunks: Uint8Array[], bytes: number) => Promise<void>,
): Promise<void> {
  const { socket } = incoming
  return new Promise((resolve, reject) => {
    let waiting: Uint8Array[] = []
    let rest = bodyBytes
    let writing = false
    let failure: Error | undefined

    const end = (error?: unknown) => {
      delete reader.taker
      socket.off('close', closed)
      socket.destroy()
      if (error === undefined) resolve()
      else reject(error as Error)
    }
    // A write that is under way still counts, and must be over before anybody asks for the rest.
    const closed = () => {
      failure = new Error('the connection was closed too early')
      if (!writing) end(failure)
    }
    const flush = () => {
      if (writing) return
      if (waiting.length === 0) {
        if (rest === 0) end()
        return
      }
      const batch = waiting
      waiting = []
      writing = true
      write(
        batch,
        batch.reduce((sum, chunk) => sum + chunk.byteLength, 0),
      ).then(() => {
        writing = false
        if (failure) return end(failure)
        for (const { buffer } of batch) pool.give(new Uint8Array(buffer))
        if (socket.isPaused()) socket.resume()
        flush()
      }, end)
    }
    const add = (chunk: Uint8Array) => {
      // More than was promised belongs to no body.
      const bytes = chunk.subarray(0, rest)
      rest -= bytes.byteLength
      waiting.push(bytes)
      // The end of the connection is then the store's to choose; what is missing here are only writes.
      if (rest === 0) socket.off('close', closed)
      else if (writing && waiting.length >= waitingMax) socket.pause()
    }
    reader.taker = (buffer, bytes) => {
      if (rest > 0) add(buffer.subarray(0, bytes))
      flush()
    }
    socket.once('close', closed)
    // What the parser has read already, in one piece.
    const head = incoming.read() as Uint8Array | null
    if (head) add(head)
    if (socket.destroyed) return closed()
    socket.resume()
    flush()
  })
}
