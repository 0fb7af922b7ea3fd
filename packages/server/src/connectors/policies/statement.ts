/** A bucket policy as AWS defined it and the others speak it. */

export type Value = string | readonly string[]
export type Condition = Readonly<Record<string, Readonly<Record<string, Value>>>>
export type Principal = '*' | Readonly<Record<string, Value>>

export interface Statement {
  Sid?: string
  Effect: 'Allow' | 'Deny'
  Principal?: Principal
  Action: Value
  Resource?: Value
  Condition?: Condition
}

export interface Document {
  Version: '2012-10-17'
  Statement: readonly Statement[]
}

export function documentOf(statements: readonly Statement[]): Document {
  return { Version: '2012-10-17', Statement: statements }
}

/** Letters and digits alone, as Sids are. */
export function sidPart(text: string): string {
  return text
    .split(/[^A-Za-z0-9]+/)
    .filter((word) => word !== '')
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join('')
}
