import type { FastifyReply } from 'fastify'
import type { WaitingDevice } from '../broker/device-login.ts'
import { markup, sendPage } from './html-page.ts'

export function sendCodeForm(reply: FastifyReply, problem?: string): FastifyReply {
  const said = problem === undefined ? markup`` : markup`<p class="problem" role="alert">${problem}</p>`
  return sendPage(reply, {
    title: 'Log in at a terminal',
    status: problem === undefined ? 200 : 404,
    body: markup`${said}<form method="get" action="/device"><label for="user_code">Code that the terminal shows</label>
<input type="text" id="user_code" name="user_code" required autocomplete="off" autocapitalize="characters" spellcheck="false" maxlength="32" autofocus />
<button class="button" type="submit">Go on</button></form>`,
  })
}

export function sendConfirmation(
  reply: FastifyReply,
  device: WaitingDevice,
  { username, formToken }: { username: string; formToken: string },
): FastifyReply {
  const fields = markup`<input type="hidden" name="user_code" value="${device.userCode}" /><input type="hidden" name="form_token" value="${formToken}" />`
  return sendPage(reply, {
    title: 'Did you begin this login?',
    body: markup`<p>A terminal asks to act as <strong>${username}</strong> for 12 hours, with everything that you may do.</p>
<dl><dt>Code</dt><dd class="code">${device.userCode}</dd><dt>From</dt><dd>${device.address}</dd><dt>Program</dt><dd>${device.agent || 'unknown'}</dd><dt>Since</dt><dd>${device.since}</dd></dl>
<p>Go on only if you began it yourself, just now, and your terminal shows this code. Nobody else may send you here.</p>
<form method="post" action="/device">${fields}<button class="button" type="submit" name="decision" value="confirm">Yes, log in there</button></form>
<form method="post" action="/device">${fields}<button class="button second" type="submit" name="decision" value="refuse">No, refuse</button></form>`,
  })
}

export function sendDecided(reply: FastifyReply, confirmed: boolean): FastifyReply {
  return sendPage(reply, {
    title: confirmed ? 'Logged in at the terminal' : 'Refused',
    body: confirmed
      ? markup`<p>The terminal goes on within a few seconds. You may close this page.</p>`
      : markup`<p>The terminal gets nothing. If you did not begin this, tell your admins.</p>`,
  })
}
