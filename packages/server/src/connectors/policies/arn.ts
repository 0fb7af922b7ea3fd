/** Names of things at AWS, and at stores that speak its policies. */

/** AWS's partitions by the beginning of the region's name; the first that fits. */
const partitions: readonly (readonly [prefix: string, partition: string])[] = [
  ['cn-', 'aws-cn'],
  ['us-gov-', 'aws-us-gov'],
  ['eusc-', 'aws-eusc'],
  ['us-isob-', 'aws-iso-b'],
  ['us-isof-', 'aws-iso-f'],
  ['eu-isoe-', 'aws-iso-e'],
  ['us-iso-', 'aws-iso'],
  ['', 'aws'],
]

export function awsPartition(region: string): string {
  return partitions.find(([prefix]) => region.toLowerCase().startsWith(prefix))![1]
}

/** The plain text in a resource or a StringLike. "Policy variables": `${*}`, `${?}` and `${$}` are the characters themselves. */
export function literally(text: string): string {
  return text.replace(/[*?$]/g, (character) => `\${${character}}`)
}

/** Does the text hold what a policy takes for a wildcard or a variable? Only AWS has a way to write it. */
export function holdsWildcard(text: string): boolean {
  return /[*?$]/.test(text)
}

export interface BucketArns {
  bucket: string
  /** All objects below a prefix. */
  objects(prefix: string): string
  /** What keys begin with, for `s3:prefix`. */
  pattern(prefix: string): string
}

export function bucketArns(partition: string, bucket: string, knowsVariables: boolean): BucketArns {
  const written = (text: string) => (knowsVariables ? literally(text) : text)
  const arn = `arn:${partition}:s3:::${bucket}`
  return {
    bucket: arn,
    objects: (prefix) => `${arn}/${written(prefix)}*`,
    pattern: (prefix) => `${written(prefix)}*`,
  }
}
