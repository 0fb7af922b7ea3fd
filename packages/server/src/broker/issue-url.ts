import { SignpostError, type IssuedUrl, type ParsedInput, type UrlRequest } from '@signpost/contract'
import type { TargetRow } from '../store/store.ts'
import { decideObject } from './decide-object.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import type { EventFields } from './event-of.ts'
import { issueItem } from './issuing.ts'
import { openIssuing } from './open-issuing.ts'
import { recordableKey, recordRefusal, requireAllowed } from './refuse.ts'

/** One pre-signed URL. Its record is on the disk before this resolves; if it cannot be, there is no URL. */
export async function issueUrl(
  deps: BrokerDeps,
  caller: Caller,
  { params, body }: ParsedInput<'issueUrl'>,
): Promise<IssuedUrl> {
  // Nothing here waits where the answer is there at once: each wait costs as much as a hash.
  const found = deps.store.hot.findTarget(params.team, caller.principal.id)
  const target = found instanceof Promise ? await found : found
  const decision = decideObject(deps, caller, askOf(body), body.key, target)
  if (decision.outcome === 'deny')
    await requireAllowed(deps, caller, decision, {
      type: 'url.issue',
      fields: askedFields(params.team, target, body),
    })
  try {
    const opening = openIssuing(deps, caller, target as TargetRow)
    const issuing = opening instanceof Promise ? await opening : opening
    const signing = issueItem(issuing, body, decision)
    const issued = signing instanceof Promise ? await signing : signing
    const statements = issued.look === undefined ? [] : [issued.look]
    await deps.store.commit({ statements, events: [issued.event] })
    return issued.reply
  } catch (error) {
    if (isRecordedRefusal(error))
      await recordRefusal(deps, caller, 'url.issue', error.code, askedFields(params.team, target, body))
    throw error
  }
}

/** What a URL opens: one to delete is to write for the signer, and a right of its own. */
export function askOf({
  action,
  method,
}: Pick<UrlRequest, 'action' | 'method'>): 'read' | 'write' | 'delete' {
  return action === 'write' && method === 'DELETE' ? 'delete' : action
}

/** What was asked for, for the record of a refusal. */
export function askedFields(
  team: string,
  target: { prefix: string } | undefined,
  item: UrlRequest,
): EventFields {
  return {
    team,
    key: recordableKey(target, item.key),
    action: item.action,
    ...(item.method === undefined ? {} : { method: item.method }),
  }
}

/** Allowed, but there was no URL: recorded too. Not where the record itself failed, nor where the request was malformed. */
export function isRecordedRefusal(error: unknown): error is SignpostError {
  return (
    error instanceof SignpostError &&
    error.code !== 'invalid' &&
    error.code !== 'record_unavailable' &&
    error.code !== 'internal'
  )
}
