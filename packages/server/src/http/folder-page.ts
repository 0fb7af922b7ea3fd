/** What lies in a folder, as a plain page: for people, and for programs that read such pages (rclone, wget). */
import type { FastifyReply } from 'fastify'
import { encodeSegment } from '../broker/redirect-address.ts'
import type { FolderPage } from '../broker/redirect-object.ts'
import { markup, sendPage, type Html } from './html-page.ts'

export interface ShownFolder {
  team: string
  prefix: string
  /** Goes on with each address of the page. */
  share: string | undefined
  page: FolderPage
}

export function sendFolder(reply: FastifyReply, { team, prefix, share, page }: ShownFolder): FastifyReply {
  const query = share === undefined ? '' : `?share=${encodeURIComponent(share)}`
  const onward = nextAddress(page, share)
  // RFC 8288 §3.
  if (onward !== undefined) reply.header('link', `<${onward}>; rel="next"`)
  const rows = [
    ...(prefix.length > page.top.length ? [row(markup`<a href="../${query}">..</a>`)] : []),
    ...page.folders.map((key) => row(nameOf(prefix, key, query))),
    ...page.objects
      .filter(({ key }) => key !== prefix)
      .map(({ key, sizeBytes, lastModified }) => row(nameOf(prefix, key, query), sizeBytes, lastModified)),
  ]
  const more = onward === undefined ? markup`` : markup`<p><a href="${onward}" rel="next">More</a></p>`
  return sendPage(reply, {
    title: `${team}/${prefix}`,
    wide: true,
    body: markup`<table>
        <thead><tr><th scope="col">Name</th><th scope="col" class="size">Bytes</th><th scope="col">Last modified</th></tr></thead>
        <tbody>${rows}</tbody>
      </table>
      ${rows.length === 0 ? markup`<p class="dim">There is nothing here that you may read.</p>` : markup``}${more}`,
  })
}

function row(name: Html, sizeBytes?: number, lastModified?: string): Html {
  return markup`<tr><td>${name}</td><td class="size">${sizeBytes ?? ''}</td><td class="when">${lastModified ?? ''}</td></tr>
`
}

/** `./`, so that a name with a colon is no scheme. A name that no address leads to is shown, and leads nowhere. */
function nameOf(prefix: string, key: string, query: string): Html {
  const name = key.slice(prefix.length)
  const isFolder = name.endsWith('/')
  const plain = isFolder ? name.slice(0, -1) : name
  const leadsNowhere =
    plain === '' || plain === '.' || plain === '..' || !plain.isWellFormed() || /[\\\p{Cc}]/u.test(plain)
  if (leadsNowhere) return markup`${name.toWellFormed().replaceAll(/\p{Cc}/gu, '\u{fffd}')}`
  return markup`<a href="./${encodeSegment(plain)}${isFolder ? '/' : ''}${query}">${name}</a>`
}

function nextAddress({ nextCursor }: FolderPage, share: string | undefined): string | undefined {
  if (nextCursor === null) return undefined
  const query = new URLSearchParams({ cursor: nextCursor, ...(share === undefined ? {} : { share }) })
  return `?${query.toString()}`
}

export function sendGatewayProblem(
  reply: FastifyReply,
  { title, status, detail, requestId }: { title: string; status: number; detail: string; requestId: string },
): FastifyReply {
  return sendPage(reply, {
    title,
    status,
    body: markup`<p class="problem" role="alert">${detail}</p>
      <p class="dim">Request ${requestId}</p>`,
  })
}
