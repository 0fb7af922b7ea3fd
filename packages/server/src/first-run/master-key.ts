import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { readSecretFile, writeSecretFile } from './data-folder.ts'
import { StartError } from './start-error.ts'

const fileName = 'master-key'
const keyBytes = 32

/**
 * The key that seals bucket credentials: given by the operator, else from the data folder, else made there. Never made
 * when connectors are there already: they were sealed with another one, and a new file would hide that.
 */
export function masterKeyOf(given: string | undefined, folder: string, hasConnectors: boolean): Uint8Array {
  if (given !== undefined) return Buffer.from(given, 'base64')
  const file = join(folder, fileName)
  const kept = readSecretFile(file)
  if (kept !== undefined) return keyIn(kept, file)
  if (hasConnectors)
    throw new StartError(
      `The master key is missing: the database holds bucket credentials that were sealed with one, and there is no ${file}. ` +
        'Put the file back, or give the key by SIGNPOST_MASTER_KEY or SIGNPOST_MASTER_KEY_FILE. No new key was made.',
    )
  writeSecretFile(folder, fileName, randomBytes(keyBytes).toString('base64'))
  return keyIn(readSecretFile(file) ?? '', file)
}

function keyIn(text: string, file: string): Uint8Array {
  const key = Buffer.from(text, 'base64')
  if (key.length !== keyBytes || key.toString('base64').replace(/=$/, '') !== text.replace(/=$/, ''))
    throw new StartError(
      `The master key in ${file} is damaged: it must be the base64 of exactly ${keyBytes} bytes. Put the right file back; it was not changed.`,
    )
  return key
}
