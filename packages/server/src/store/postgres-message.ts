/**
 * A statement's parameters, written into one place that is used again and again. The driver would join them into a buffer
 * that it makes anew for each statement and each time that it grows: megabytes a batch, outside of V8's heap, for which V8's
 * collector runs all the time.
 */
import { Query } from 'pg'
import type { ClientBase, Connection, QueryResult, QueryResultRow } from 'pg'

export interface BindMessage {
  bytes: Buffer
  length: number
  /** Where the parameter begins that is being written. */
  parameter: number
}

const firstBytes = 16 * 1024
/** UTF-8 takes no more for one UTF-16 unit. */
const bytesOfUnitMax = 3
const lengthBytes = 4

export function createBindMessage(): BindMessage {
  return { bytes: Buffer.allocUnsafeSlow(firstBytes), length: 0, parameter: 0 }
}

/** PostgreSQL 17, 53.7 "Message Formats", Bind: the portal without a name, all parameters as texts. */
export function beginBind(message: BindMessage, statement: string, parameters: number): void {
  message.length = 1 + lengthBytes
  message.bytes[0] = 'B'.charCodeAt(0)
  addText(message, `\0${statement}\0\0\0`)
  makeRoom(message, 2)
  message.length = message.bytes.writeInt16BE(parameters, message.length)
}

/** No format is said for the columns of the answer: all are texts. */
export function endBind(message: BindMessage): void {
  makeRoom(message, 2)
  message.length = message.bytes.writeInt16BE(0, message.length)
  message.bytes.writeInt32BE(message.length - 1, 1)
}

export function beginParameter(message: BindMessage): void {
  makeRoom(message, lengthBytes)
  message.parameter = message.length
  message.length += lengthBytes
}

export function endParameter({ bytes, length, parameter }: BindMessage): void {
  bytes.writeInt32BE(length - parameter - lengthBytes, parameter)
}

/** A parameter of lines: there is no line break behind the last one. */
export function endLines(message: BindMessage): void {
  if (message.length > message.parameter + lengthBytes) message.length -= 1
  endParameter(message)
}

export function addParameter(message: BindMessage, text: string): void {
  beginParameter(message)
  addText(message, text)
  endParameter(message)
}

export function addText(message: BindMessage, text: string): void {
  makeRoom(message, text.length * bytesOfUnitMax)
  message.length += message.bytes.write(text, message.length)
}

/** The same line so many times; ASCII. */
export function addLines(message: BindMessage, line: string | number, count: number): void {
  const text = `${line}\n`
  const end = message.length + text.length * count
  makeRoom(message, end - message.length)
  message.bytes.fill(text, message.length, end, 'latin1')
  message.length = end
}

export function addLineOfBytes(message: BindMessage, source: Buffer, begin: number, end: number): void {
  makeRoom(message, end - begin + 1)
  message.length += source.copy(message.bytes, message.length, begin, end)
  message.bytes[message.length++] = '\n'.charCodeAt(0)
}

function makeRoom(message: BindMessage, bytes: number): void {
  const needed = message.length + bytes
  if (needed <= message.bytes.length) return
  const larger = Buffer.allocUnsafeSlow(Math.max(needed, message.bytes.length * 2))
  message.bytes.copy(larger, 0, 0, message.length)
  message.bytes = larger
}

/**
 * Runs a prepared statement with these parameters. When it has resolved, PostgreSQL has read the message; when it rejects,
 * some of it may still be on its way: then the place must not be used again.
 */
export function queryWith<T extends QueryResultRow>(
  client: ClientBase,
  statement: { name: string; text: string },
  { bytes, length }: BindMessage,
): Promise<QueryResult<T>> {
  return new Promise((resolve, reject) => {
    const query = new Query<T>(statement, (error: Error | null | undefined, result) => {
      if (error) reject(error)
      else resolve(result)
    })
    const { submit } = query
    query.submit = (connection) => {
      const bind = () => void connection.stream.write(bytes.subarray(0, length))
      submit.call(query, Object.create(connection, { bind: { value: bind } }) as Connection)
    }
    client.query(query)
  })
}
