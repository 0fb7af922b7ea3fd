/**
 * By what Signpost's own calls are known in a bucket's log. The tag is made of the master key: the same in every replica and
 * after every start, and nobody can name it who has not seen a call of this deployment. Whoever reads its logs has: it says
 * which of the calls with a bucket's own credential are Signpost's, and never who somebody is.
 */
import { createHmac, hkdfSync } from 'node:crypto'

export interface OwnAgent {
  /** The User-Agent of Signpost's own calls. */
  userAgent: string
  /** `agent`: as a log tells it, where an SDK or the store may have put its own words around. */
  isOwnAgent: (agent: string | null) => boolean
}

const tagBytes = 16
const tagged = /(?:^|[\s["(])signpost\/[\w.+-]{1,64} \(([\w-]{22})\)/g

/** The first of the keys is the present one; logs may tell of calls from when another was. */
export function createOwnAgent(masterKeys: readonly Uint8Array[], version: string): OwnAgent {
  const tags = masterKeys.map(tagOf)
  return {
    userAgent: `signpost/${version} (${tags[0] ?? ''})`,
    isOwnAgent: (agent) =>
      agent !== null &&
      [...agent.matchAll(tagged)].some(([, tag]) => tag !== undefined && tags.includes(tag)),
  }
}

function tagOf(masterKey: Uint8Array): string {
  const key = new Uint8Array(hkdfSync('sha256', masterKey, '', 'signpost own agent v1', 32))
  return createHmac('sha256', key).update('own agent').digest().subarray(0, tagBytes).toString('base64url')
}
