import type { FastifyReply } from 'fastify'
import { markup, sendPage } from './html-page.ts'

export function sendChoice(
  reply: FastifyReply,
  providers: readonly string[],
  returnTo: string | undefined,
): FastifyReply {
  const query = returnTo === undefined ? '' : `?return=${encodeURIComponent(returnTo)}`
  if (providers.length === 0)
    return sendPage(reply, {
      title: 'No login by browser yet',
      body: markup`<p>
        No identity provider is set up here. An admin of your organisation does that with
        <code>signpost identity-provider add</code>; until then use an API key.
      </p>`,
    })
  const choices = providers.map(
    (name) =>
      markup`<li>
        <a class="button" href="/login/${encodeURIComponent(name)}${query}">Log in with ${name}</a>
      </li>`,
  )
  return sendPage(reply, {
    title: 'Log in',
    body: markup`<p>Choose where you have your account.</p>
      <ul class="choices">
        ${choices}
      </ul>`,
  })
}

export function sendAccount(
  reply: FastifyReply,
  { username, organisationRole }: { username: string; organisationRole: string },
): FastifyReply {
  return sendPage(reply, {
    title: 'You are logged in',
    body: markup`<dl>
        <dt>User</dt>
        <dd>${username}</dd>
        <dt>Role</dt>
        <dd>${organisationRole}</dd>
      </dl>
      <p><a href="/docs">The API of this server</a></p>
      ${logoutForm}`,
  })
}

const logoutForm = markup`<form method="post" action="/logout">
  <button class="button second" type="submit">Log out</button>
</form>`

export function sendLoggedOut(reply: FastifyReply, onward: string | undefined): FastifyReply {
  const body =
    onward === undefined
      ? markup`<p>Your session has ended.</p>
          <p><a class="button" href="/login">Log in</a></p>`
      : markup`<p>
            Your session here has ended. You are being taken to your identity provider, to log out there too.
          </p>
          <p><a class="button" href="${onward}">Go on</a></p>`
  return sendPage(reply, {
    title: 'You are logged out',
    body,
    ...(onward === undefined ? {} : { onward }),
  })
}

export function sendLoginProblem(
  reply: FastifyReply,
  {
    title,
    status,
    detail,
    requestId,
    again,
  }: { title: string; status: number; detail: string; requestId: string; again: string },
): FastifyReply {
  return sendPage(reply, {
    title,
    status,
    body: markup`<p class="problem" role="alert">${detail}</p>
      <p><a class="button" href="${again}">Try again</a></p>
      <p class="dim">Request ${requestId}</p>`,
  })
}
