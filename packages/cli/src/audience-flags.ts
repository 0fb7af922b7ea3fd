/** Other addresses of a bucket, for clients that do not reach it by its own. */
import { UsageError } from './errors.ts'

export interface AudienceFlags {
  /** `NAME=URL` or `NAME=URL,CIDR,...`; false: none. */
  audience?: string[] | false
}

interface Audience {
  name: string
  endpoint: string
  networks?: string[]
}

/** Undefined: nothing is said of them. */
export function audiencesOf(flags: AudienceFlags): Audience[] | undefined {
  if (flags.audience === undefined) return undefined
  return flags.audience === false ? [] : flags.audience.map(audienceOf)
}

function audienceOf(text: string): Audience {
  const [, name, endpoint, rest] = /^([^=]+)=([^,]+)(?:,(.+))?$/.exec(text) ?? []
  if (name === undefined || endpoint === undefined)
    throw new UsageError(
      '--audience is NAME=URL, or NAME=URL,10.0.0.0/8 for callers from a network, such as inside=https://s3.internal',
    )
  return { name, endpoint, ...(rest === undefined ? {} : { networks: rest.split(',') }) }
}
