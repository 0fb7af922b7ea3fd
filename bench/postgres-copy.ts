/** `COPY ... FROM STDIN` with node-postgres, which leaves the sending to the query that asked for it. */
import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { Query, type Client } from 'pg'

/** What node-postgres gives a query when the server waits for the data; its types do not tell of it. */
interface CopyConnection {
  stream: Duplex
  sendCopyFromChunk: (chunk: Buffer) => void
  sendCopyFail: (why: string) => void
  endCopyFrom: () => void
}

export async function copyIn(client: Client, text: string, chunks: Iterable<string>): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const query = new Query(text, (error) => (error ? reject(error) : resolve()))
  const handleCopyInResponse = (connection: CopyConnection) => {
    send(connection, chunks).catch((error: unknown) => connection.sendCopyFail(String(error)))
  }
  client.query(Object.assign(query, { handleCopyInResponse }))
  await promise
}

async function send(connection: CopyConnection, chunks: Iterable<string>): Promise<void> {
  for (const chunk of chunks) {
    connection.sendCopyFromChunk(Buffer.from(chunk))
    if (connection.stream.writableNeedDrain) await once(connection.stream, 'drain')
  }
  connection.endCopyFrom()
}
