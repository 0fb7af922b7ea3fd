/** The redirect gateway: a URL for whoever follows it at once, and the names in a folder. */
import {
  SignpostError,
  type ConnectorSettings,
  type IssuedUrl,
  type Reply,
  type UrlRequest,
} from '@signpost/contract'
import { teamPermissionsOf } from '../domain/permissions.ts'
import { touchApiKeys } from '../store/api-keys.ts'
import { findShareLink, useShareLink, type ShareLinkRow } from '../store/share-links.ts'
import type { Statement, TargetRow } from '../store/store.ts'
import type { BrokerDeps, Caller } from './deps.ts'
import { issueUrl } from './issue-url.ts'
import { listObjects } from './list-objects.ts'
import { recordableKey, recordRefusal } from './refuse.ts'

/** Who follows a redirect does so at once. A transfer that has begun goes on after its URL has ended. */
export const redirectSeconds = 60

export interface RedirectAsk {
  team: string
  body: UrlRequest
  /** What the client sends by itself, and sends again where it is led. */
  sent: Readonly<Record<string, string | string[] | undefined>>
}

/** A URL that the client can use as it is: a redirect adds no header. */
export async function issueRedirect(
  deps: BrokerDeps,
  caller: Caller,
  { team, body, sent }: RedirectAsk,
): Promise<IssuedUrl> {
  const asked = { key: body.key, type: 'url.issue' } as const
  const link = await requireLink(deps, caller, team, asked)
  const beside = link && body.method === 'GET' ? useOf(deps, link) : []
  return issueUrl(
    deps,
    caller,
    { params: { team }, query: undefined, body: { ...body, expiresInSeconds: redirectSeconds } },
    { beside, fit: fitToKind, accept: (issued) => requireFollowable(issued, sent) },
  )
}

export interface FolderPage {
  folders: string[]
  objects: Reply<'listObjects'>['items']
  nextCursor: string | null
  /** A link shows nothing above this prefix. */
  top: string
}

/** A program that reads such a page looks at the first one only: it is a long one. */
const roundsMax = 10

export async function listFolder(
  deps: BrokerDeps,
  caller: Caller,
  { team, prefix, cursor }: { team: string; prefix: string; cursor: string | undefined },
): Promise<FolderPage> {
  const link = await requireLink(deps, caller, team, { key: prefix, type: 'object.list' })
  const page: FolderPage = { folders: [], objects: [], nextCursor: cursor ?? null, top: link?.prefix ?? '' }
  for (let round = 0; round < roundsMax && (round === 0 || page.nextCursor !== null); round++) {
    const query = { prefix, delimiter: '/', limit: 1000 }
    const next = page.nextCursor === null ? query : { ...query, cursor: page.nextCursor }
    const got = await listObjects(deps, caller, { params: { team }, query: next, body: undefined })
    page.folders.push(...got.prefixes)
    page.objects.push(...got.items)
    page.nextCursor = got.nextCursor
  }
  return page
}

/**
 * What a link is refused for beyond what is decided for its maker: it is for another team, was used as often as it may be,
 * or its maker may make no links any more. Undefined: the call did not come by a link.
 */
async function requireLink(
  deps: BrokerDeps,
  caller: Caller,
  team: string,
  asked: { key: string; type: 'url.issue' | 'object.list' },
): Promise<ShareLinkRow | undefined> {
  const { principal } = caller
  if (principal.keyKind !== 'shareLink') return undefined
  const link = await findShareLink(deps.store.db, principal.apiKeyId)
  const target = await deps.store.hot.findTarget(team, principal.id)
  const reason = refusedFor(link, target, principal)
  if (reason === undefined) return link
  const fields = { team, key: recordableKey(target, asked.key), action: 'read' } as const
  await recordRefusal(deps, caller, asked.type, reason, fields)
  throw absentByLink()
}

function refusedFor(
  link: ShareLinkRow | undefined,
  target: TargetRow | undefined,
  principal: Caller['principal'],
): string | undefined {
  if (link === undefined) return 'no_such_thing'
  if (target === undefined || target.teamId !== link.teamId) return 'outside_key_scope'
  if (link.usesMax !== null && link.uses >= link.usesMax) return 'link_used_up'
  const may = teamPermissionsOf(principal, target.role, target.rolePermissions)
  return may.has('links.create') ? undefined : 'link_maker_may_not'
}

/** One answer for every link that does not lead there, whatever the reason. */
export function absentByLink(): SignpostError {
  return new SignpostError('not_found', 'There is nothing here, or the link does not lead here any more.')
}

/** What a link is told: of who made it, and what that one may not, nothing. */
export function shownByLink(error: unknown): unknown {
  const hidden = error instanceof SignpostError && error.status < 500 && error.status !== 429
  return hidden ? absentByLink() : error
}

function useOf({ store, clock }: BrokerDeps, { id }: ShareLinkRow): Statement[] {
  return [useShareLink(store.db, id), touchApiKeys(store.db, [id], clock())]
}

/** Google holds a client to a length by a header that no client sends by itself. */
function fitToKind(body: UrlRequest, kind: ConnectorSettings['kind']): UrlRequest {
  if (kind !== 'gcs' || body.contentLength === undefined) return body
  const { contentLength: _, ...others } = body
  return others
}

/** @throws SignpostError `unsupported_by_store`, naming the headers that a URL needs and that were not sent */
function requireFollowable({ headers }: IssuedUrl, sent: RedirectAsk['sent']): void {
  const missing = Object.entries(headers).filter(([name, value]) => sent[name.toLowerCase()] !== value)
  if (missing.length === 0) return
  const named = missing.map(([name, value]) => `${name}: ${value}`).join(', ')
  throw new SignpostError(
    'unsupported_by_store',
    `To write here, a client must send what a redirect cannot add: ${named}. Send it with this request too, or ask for a URL: POST /v1/teams/{team}/urls, or signpost cp.`,
  )
}
