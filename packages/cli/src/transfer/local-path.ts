import { join } from 'node:path'

/** A key that names no place below a folder. Says which rule it breaks. */
export class UnsafeKeyError extends Error {
  readonly code = 'unsafe_key'

  constructor(key: string, rule: string) {
    super(
      `the object key ${JSON.stringify(key)} ${rule}: it is not written. Copy it alone, under a name of your own`,
    )
    this.name = 'UnsafeKeyError'
  }
}

/** Names that Windows keeps for devices, with any extension. */
const deviceName = /^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$/i

/**
 * The file below `folder` for a key relative to what is copied. Buckets hold keys that others have chosen: whatever
 * such a key says, the file lies inside `folder`, and two keys never give the same file where names are case-sensitive.
 *
 * @throws UnsafeKeyError
 */
export function localPathOf(folder: string, key: string, platform: NodeJS.Platform): string {
  const segments = key.split('/')
  for (const segment of segments) {
    const rule = segmentProblem(segment, platform)
    if (rule !== null) throw new UnsafeKeyError(key, rule)
  }
  return join(folder, ...segments)
}

function segmentProblem(segment: string, platform: NodeJS.Platform): string | null {
  if (segment === '') return 'begins with /, ends with / or holds //'
  if (segment === '.' || segment === '..') return `holds the segment ${segment}`
  if (segment.includes('\0')) return 'holds a NUL'
  if (!segment.isWellFormed()) return 'is not well-formed Unicode'
  if (platform !== 'win32') return null
  if (/[\\:*?"<>|]|\p{Cc}/u.test(segment))
    return 'holds a character that Windows does not allow in file names'
  if (/[. ]$/.test(segment))
    return 'holds a segment that ends with a dot or a blank, which Windows would drop'
  return deviceName.test(segment) ? 'holds a name that Windows keeps for a device' : null
}

/** The key for a file, from its path below the folder that is copied. On Windows, `\` is what parts segments. */
export function keyOf(prefix: string, relativePath: string, platform: NodeJS.Platform): string {
  return prefix + (platform === 'win32' ? relativePath.replaceAll('\\', '/') : relativePath)
}
