/** Names of things at AWS, and at stores that speak its policies. */

/** The plain text in a resource or a StringLike. "Policy variables": `${*}`, `${?}` and `${$}` are the characters themselves. */
export function literally(text: string): string {
  return text.replace(/[*?$]/g, (character) => `\${${character}}`)
}

/** Does the text hold what a policy takes for a wildcard or a variable? Only AWS has a way to write it. */
export function holdsWildcard(text: string): boolean {
  return /[*?]|\$\{/.test(text)
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
