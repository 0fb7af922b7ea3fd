import { open, readFile } from 'node:fs/promises'
import {
  noteInFile,
  notesInFile,
  readCheckpointText,
  readNote,
  type AuditCheckpoint,
} from '@signpost/contract'
import type { NodeSignpost } from '@signpost/sdk/node'

export interface Kept {
  appended: number
  last: number
}

/**
 * Appends to a file the checkpoints that it does not have yet. What stands in it is compared with what the server has
 * now: a server that was set back, or that has another history, is told at once, and nothing is appended.
 */
export async function keepCheckpoints(
  client: NodeSignpost,
  file: string,
  signal: AbortSignal,
): Promise<Kept> {
  const present = await readOrEmpty(file)
  const lastNote = notesInFile(present).at(-1)
  const last = lastNote === undefined ? 0 : numberOf(lastNote)
  if (last === undefined || (present !== '' && !present.endsWith('\n\n')))
    throw new Error(
      `${file}: it does not end with a whole checkpoint: it was changed, or a write was broken off. Nothing was appended: look at its end.`,
    )
  const query = { after: Math.max(0, last - 1), limit: 1000 }
  const missing: string[] = []
  let isFirst = last > 0
  for await (const { number, note } of client.items('listAuditCheckpoints', { query }, { signal })) {
    if (isFirst && (number !== last || note !== lastNote)) throw differs(file, last)
    if (!isFirst) missing.push(noteInFile(note))
    isFirst = false
  }
  if (isFirst) throw differs(file, last)
  if (missing.length > 0) await append(file, missing.join(''))
  return { appended: missing.length, last: last + missing.length }
}

/** Is on the disk when this is done. */
async function append(file: string, text: string): Promise<void> {
  const handle = await open(file, 'a')
  try {
    await handle.writeFile(text)
    await handle.sync()
  } finally {
    await handle.close()
  }
}

function differs(file: string, number: AuditCheckpoint['number']): Error {
  return new Error(
    `the server does not have checkpoint ${number} as it stands in ${file}: its database was changed or set back, or the file is of another server. Nothing was appended.`,
  )
}

function numberOf(note: string): number | undefined {
  const text = readNote(note)?.text
  return text === undefined ? undefined : readCheckpointText(text)?.number
}

async function readOrEmpty(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}
