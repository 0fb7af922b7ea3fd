/** Pages for people, without scripts: what they need to log in, and no more. */
import { hash } from 'node:crypto'
import type { FastifyReply } from 'fastify'

const style = `
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #59636e; --paper: #fff; --ground: #f3f4f6; --line: #d1d9e0; --accent: #0b57d0; --on-accent: #fff }
@media (prefers-color-scheme: dark) { :root { --ink: #e9edf1; --dim: #a5b0bb; --paper: #1b2027; --ground: #11151a; --line: #3a434d; --accent: #8ab4f8; --on-accent: #0b1b33 } }
* { box-sizing: border-box } body { margin: 0; min-height: 100vh; display: grid; place-items: center; padding: 1.5rem; font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--ground) }
main { width: 100%; max-width: 26rem; padding: 2rem; background: var(--paper); border: 1px solid var(--line); border-radius: 12px }
.brand { margin: 0 0 1.25rem; font-weight: 600; color: var(--dim) } h1 { margin: 0 0 0.75rem; font-size: 1.4rem; line-height: 1.25 } p { margin: 0 0 1rem } .dim { color: var(--dim); font-size: 0.9rem }
.choices { display: grid; gap: 0.6rem; margin: 1.25rem 0 0; padding: 0; list-style: none }
.button { display: block; width: 100%; padding: 0.65rem 1rem; font: inherit; font-weight: 600; text-align: center; text-decoration: none; color: var(--on-accent); background: var(--accent); border: 1px solid var(--accent); border-radius: 8px; cursor: pointer; overflow-wrap: anywhere }
.button.second { color: var(--ink); background: transparent; border-color: var(--line) } a { color: var(--accent) } a:focus-visible, .button:focus-visible, input:focus-visible { outline: 3px solid var(--accent); outline-offset: 2px }
label { display: block; margin-bottom: 0.35rem; font-weight: 600 } input[type=text] { width: 100%; padding: 0.65rem 0.75rem; margin-bottom: 1rem; font: 1.25rem/1.4 ui-monospace, monospace; letter-spacing: 0.1em; text-transform: uppercase; color: inherit; background: var(--paper); border: 1px solid var(--dim); border-radius: 8px }
dl { display: grid; grid-template-columns: auto 1fr; gap: 0.25rem 1rem; margin: 0 0 1rem } dt { color: var(--dim) } dd { margin: 0; overflow-wrap: anywhere } form + form { margin-top: 0.6rem } .code { font: 600 1.4rem/1.4 ui-monospace, monospace; letter-spacing: 0.1em }
.problem { padding: 0.6rem 0.8rem; border: 1px solid var(--line); border-left: 4px solid #c4320a; border-radius: 6px }
main.wide { max-width: 60rem; align-self: start } table { width: 100%; border-collapse: collapse; margin: 0 0 1rem } th, td { padding: 0.35rem 0.75rem 0.35rem 0; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top } th { color: var(--dim); font-weight: 600 } td:first-child { overflow-wrap: anywhere } .size { text-align: right; white-space: nowrap } .when { white-space: nowrap }
`
const styleHash = `sha256-${hash('sha256', style, 'base64')}`

/** Only forms to this server; no scripts, no frames, no pictures. */
const policy = `default-src 'none'; style-src '${styleHash}'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'`

/** Text with nothing left to escape. */
export interface Html {
  readonly html: string
}

type Part = string | number | Html | readonly Html[]

/** A template whose values are escaped, unless they are `Html` themselves. */
export function markup(texts: TemplateStringsArray, ...values: readonly Part[]): Html {
  const shown = values.map((value) =>
    typeof value === 'object'
      ? (Array.isArray(value) ? (value as readonly Html[]) : [value as Html]).map((one) => one.html).join('')
      : escaped(String(value)),
  )
  return { html: texts.reduce((text, part, index) => text + (shown[index - 1] ?? '') + part) }
}

function escaped(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;')
}

export interface Page {
  title: string
  body: Html
  status?: number
  /** Where the browser goes on by itself. */
  onward?: string
  /** Holds a table. */
  wide?: boolean
}

export function sendPage(
  reply: FastifyReply,
  { title, body, status = 200, onward, wide = false }: Page,
): FastifyReply {
  const refresh =
    onward === undefined ? markup`` : markup`<meta http-equiv="refresh" content="0; url=${onward}" />`
  const page = markup`<!doctype html><html lang="en"><head><meta charset="utf-8" />
<meta name="viewport" content="width=device-width, initial-scale=1" /><meta name="robots" content="noindex" />${refresh}
<title>${title} · Signpost</title><style>${{ html: style }}</style></head>
<body><main class="${wide ? 'wide' : 'narrow'}"><p class="brand">Signpost</p><h1>${title}</h1>${body}</main></body></html>
`
  return reply
    .code(status)
    .headers({
      'content-type': 'text/html; charset=utf-8',
      'content-security-policy': policy,
      'x-frame-options': 'DENY',
    })
    .send(page.html)
}
