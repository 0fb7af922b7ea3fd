/** An examination by the doctor, as it is known in a bucket's log: by its id, in the keys that it makes up and in its URLs. */

/** Stands in the bucket's access log as the requester. */
export const checkerName = 'signpost-check'

/** Everything that is written is below it. */
export function checkFolder(prefix: string, checkId: string): string {
  return `${prefix}${checkerName}-${checkId}/`
}

/** At the top of the bucket, where the credential of one prefix must not reach. */
export function keyOutside(checkId: string): string {
  return `${checkerName}-outside-${checkId}.txt`
}

/** No other object has such a key: the id is made up for the check. */
export function isKeyOfCheck(key: string, checkId: string): boolean {
  const folder = checkFolder('', checkId)
  return key === keyOutside(checkId) || key.startsWith(folder) || key.includes(`/${folder}`)
}
