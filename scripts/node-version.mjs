/** Finds a Node that runs the sources as they are: the one at hand, or the one that npm installed. Runs on Node 20. */
import { accessSync, constants } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const majorMin = 24

/** Path of the binary; undefined: there is none. */
export function findNode() {
  if (isNewEnough()) return process.execPath
  const installed = join(root, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', 'node')
  try {
    accessSync(installed, constants.X_OK)
    return installed
  } catch {
    return undefined
  }
}

export function isNewEnough() {
  return Number(process.versions.node.split('.')[0]) >= majorMin
}
