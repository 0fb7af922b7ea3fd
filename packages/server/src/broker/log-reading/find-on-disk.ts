/** What has been written to log files on this server since it was looked at last: handed on piece by piece, by whole lines. */
import { hash } from 'node:crypto'
import type { LogFormatName } from '@signpost/contract'
import type { FileOnServer, LogFolder } from '../../domain/log-folder.ts'
import type { FoundFile } from '../../store/log-files.ts'
import type { ReadingProgress, Tail } from './source-record.ts'

/** A piece; a longer backlog is several. */
const pieceBytesMax = 64 * 2 ** 20
/** As long as a line may be (`correlation/read-lines.ts`). */
const lineBytesMax = 2 ** 20
const headBytesMax = 256
/** A last line without its end is written on, or it is the last for ever. */
const restMs = 10 * 60_000

/** Logs of one record a line, which can be read from any line on. Others are read whole, again when they have grown. */
const byLines: ReadonlySet<LogFormatName> = new Set<LogFormatName>([
  's3-server-access',
  'ceph-ops',
  'ceph-beast',
  'ceph-bucket-logging',
  'minio',
  'versitygw',
  'garage',
  'seaweedfs',
  'local-store',
  'azurite',
])

export interface FoundOnDisk {
  /** Bytes of a file, to be read once. */
  pieces: FoundFile[]
  /** To be read whole. */
  whole: FoundFile[]
  tails: NonNullable<ReadingProgress['tails']>
}

export async function findOnDisk(
  { folder, path }: { folder: LogFolder; path: string },
  format: LogFormatName,
  before: ReadingProgress['tails'] = {},
  now: number,
): Promise<FoundOnDisk> {
  const found: FoundOnDisk = { pieces: [], whole: [], tails: {} }
  for (const file of await folder.list(path)) {
    if (!file.name.isWellFormed() || /\p{Cc}/u.test(file.name) || file.sizeBytes === 0) continue
    if (!byLines.has(format) || /\.(?:gz|zst|bz2|xz)$/.test(file.name)) {
      const version = versionOf(file.id, 0, file.sizeBytes, String(file.modifiedAt))
      found.whole.push({ name: file.name, version, modifiedAt: file.modifiedAt })
      continue
    }
    try {
      found.tails[file.id] = await findPieces(folder, file, before[file.id], now, found.pieces)
    } catch (error) {
      // Turned over while it was looked at: the next time it has its name.
      const tail = before[file.id]
      if (tail) found.tails[file.id] = tail
      if ((error as { code?: string }).code !== 'not_found') throw error
    }
  }
  return found
}

async function findPieces(
  folder: LogFolder,
  file: FileOnServer,
  known: Tail | undefined,
  now: number,
  pieces: FoundFile[],
): Promise<Tail> {
  const { name, id, sizeBytes, modifiedAt } = file
  const isSame =
    known !== undefined &&
    known.offset <= sizeBytes &&
    (await headOf(folder, file, known.headBytes)) === known.head
  const headBytes =
    isSame && known.headBytes === headBytesMax ? headBytesMax : Math.min(headBytesMax, sizeBytes)
  const head = await headOf(folder, file, headBytes)
  let offset = isSame ? known.offset : 0
  while (offset < sizeBytes) {
    const limit = Math.min(sizeBytes, offset + pieceBytesMax)
    const end = await endOfLines(folder, file, offset, limit, now - modifiedAt >= restMs)
    if (end === offset) break
    pieces.push({ name, version: versionOf(id, offset, end, head.slice(0, 16)) })
    offset = end
  }
  return { name, headBytes, head, offset }
}

/** After the last line that ends there. A line that is too long to be one is cut: it is unparsed in any case. */
async function endOfLines(
  folder: LogFolder,
  file: FileOnServer,
  from: number,
  limit: number,
  isAtRest: boolean,
): Promise<number> {
  const begin = Math.max(from, limit - lineBytesMax)
  const last = (await bytesOf(folder, file, begin, limit)).lastIndexOf(10)
  if (last >= 0) return begin + last + 1
  return isAtRest || limit - from >= lineBytesMax ? limit : from
}

async function headOf(folder: LogFolder, file: FileOnServer, length: number): Promise<string> {
  return hash('sha256', await bytesOf(folder, file, 0, length))
}

async function bytesOf(folder: LogFolder, file: FileOnServer, from: number, to: number): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  for await (const chunk of folder.read(file, { from, to })) chunks.push(chunk)
  return Buffer.concat(chunks)
}

/** Which bytes of which file: the same file has it under another name when it was turned over. */
function versionOf(id: string, from: number, to: number, mark: string): string {
  return `${id}@${from}-${to}-${mark}`
}

export interface Piece {
  id: string
  from: number
  to: number
}

export function pieceOf(version: string): Piece | undefined {
  const [, id, from, to] = /^(\d+-\d+)@(\d+)-(\d+)-\w+$/.exec(version) ?? []
  return id === undefined ? undefined : { id, from: Number(from), to: Number(to) }
}

/** Its bytes, whatever the file is called by now. */
export async function* readPiece(
  { folder, path }: { folder: LogFolder; path: string },
  name: string,
  { id, from, to }: Piece,
): AsyncGenerator<Uint8Array> {
  let isFound = false
  try {
    for await (const chunk of folder.read({ name, id }, { from, to })) {
      isFound = true
      yield chunk
    }
    return
  } catch (error) {
    if (isFound || (error as { code?: string }).code !== 'not_found') throw error
  }
  const file = (await folder.list(path)).find((one) => one.id === id)
  yield* folder.read(file ?? { name, id }, { from, to })
}
