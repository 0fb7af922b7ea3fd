/**
 * A mark in the data folder while the first start is under way. Cut short (Ctrl-C, a port in use), it has made the first admin
 * already, and the next start would take team `demo` for what nobody wants.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const fileName = 'first-start-unfinished'

export function markUnfinished(folder: string): void {
  writeFileSync(join(folder, fileName), 'The first start was cut short; the next one goes on with it.\n')
}

export function isUnfinished(folder: string): boolean {
  return existsSync(join(folder, fileName))
}

export function markFinished(folder: string): void {
  rmSync(join(folder, fileName), { force: true })
}
