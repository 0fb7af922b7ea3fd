import {
  SignpostError,
  type ConnectorSettings,
  type IssuedUrl,
  type ParsedInput,
  type UrlRequest,
} from '@signpost/contract'
import type { Statement, TargetRow } from '../store/store.ts'
import { commitIssued } from './budget-use.ts'
import { decideObject } from './decide-object.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import type { EventFields } from './event-of.ts'
import { issueItem } from './issuing.ts'
import { openIssuing } from './open-issuing.ts'
import { recordableKey, recordRefusal, requireAllowed } from './refuse.ts'

/** What else goes with a URL, where it is not asked for by its own operation. */
export interface IssueOptions {
  /** Written with the record, or there is no URL. */
  beside?: readonly Statement[]
  /** The request, as this kind of bucket can take it. */
  fit?: (body: UrlRequest, kind: ConnectorSettings['kind']) => UrlRequest
  /** Throws where the URL is of no use to who asks: then it is not issued. */
  accept?: (issued: IssuedUrl) => void
}

/** One pre-signed URL. Its record is on the disk before this resolves; if it cannot be, there is no URL. */
export async function issueUrl(
  deps: BrokerDeps,
  caller: Caller,
  { params, body }: ParsedInput<'issueUrl'>,
  { beside = [], fit, accept }: IssueOptions = {},
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
    const item = fit === undefined ? body : fit(body, issuing.named.connector.kind)
    const signing = issueItem(issuing, item, decision)
    const issued = signing instanceof Promise ? await signing : signing
    accept?.(issued.reply)
    const statements = issued.look === undefined ? beside : [...beside, issued.look]
    await commitIssued(issuing, { statements, events: [issued.event] })
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
