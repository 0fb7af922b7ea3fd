import { SignpostError, type IssuedUrl, type ParsedInput, type UrlRequest } from '@signpost/contract'
import { decideAccess } from '../domain/decide-access.ts'
import type { TargetRow } from '../store/store.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import type { EventFields } from './event-of.ts'
import { issueItem, openIssuing } from './issuing.ts'
import { recordableKey, recordRefusal, requireAllowed } from './refuse.ts'

/** One pre-signed URL. Its record is on the disk before this resolves; if it cannot be, there is no URL. */
export async function issueUrl(
  deps: BrokerDeps,
  caller: Caller,
  { params, body }: ParsedInput<'issueUrl'>,
): Promise<IssuedUrl> {
  const target = await deps.store.hot.findTarget(params.team, caller.principal.id)
  const decision = decideAccess(caller.principal, {
    of: 'team',
    ask: askOf(body),
    team: target,
  })
  const asked = { type: 'url.issue', fields: askedFields(params.team, target, body) } as const
  await requireAllowed(deps, caller, decision, asked)
  try {
    const issuing = await openIssuing(deps, caller, target as TargetRow)
    const issued = await issueItem(issuing, body, decision.reason)
    await deps.store.commit({ statements: [], events: [issued.event] })
    return issued.reply
  } catch (error) {
    if (isRecordedRefusal(error)) await recordRefusal(deps, caller, asked.type, error.code, asked.fields)
    throw error
  }
}

export function askOf(item: Pick<UrlRequest, 'action'>): 'object.read' | 'object.write' {
  return item.action === 'read' ? 'object.read' : 'object.write'
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
