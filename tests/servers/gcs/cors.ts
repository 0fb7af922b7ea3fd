import type { IncomingHttpHeaders } from 'node:http'
import type { Reply } from './call.ts'
import type { CorsRule } from './store.ts'

/** The answer to a browser's preflight. Without a rule that fits it is a 200 that allows nothing, as Cloud Storage's. */
export function preflight(rules: readonly CorsRule[], headers: IncomingHttpHeaders): Reply {
  const origin = headers.origin ?? ''
  const method = headers['access-control-request-method'] ?? ''
  const wanted = (headers['access-control-request-headers'] ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
  const fits = (rule: CorsRule) =>
    allows(rule, origin, method) && wanted.every((name) => name === '' || lists(rule, name))
  const rule = rules.find(fits)
  if (!rule) return { status: 200, headers: { vary: 'Origin' } }
  return {
    status: 200,
    headers: {
      'access-control-allow-origin': rule.origin.includes('*') ? '*' : origin,
      'access-control-allow-methods': rule.method.join(','),
      'access-control-allow-headers': rule.responseHeader.join(','),
      'access-control-max-age': String(rule.maxAgeSeconds),
      vary: 'Origin',
    },
  }
}

/** What is added to the answer to the request itself. */
export function corsHeaders(
  rules: readonly CorsRule[],
  method: string,
  headers: IncomingHttpHeaders,
): Record<string, string> {
  const { origin } = headers
  const rule = origin === undefined ? undefined : rules.find((one) => allows(one, origin, method))
  if (!rule || origin === undefined) return {}
  return {
    'access-control-allow-origin': rule.origin.includes('*') ? '*' : origin,
    'access-control-expose-headers': rule.responseHeader.join(', '),
    vary: 'Origin',
  }
}

function allows(rule: CorsRule, origin: string, method: string): boolean {
  return (rule.origin.includes('*') || rule.origin.includes(origin)) && rule.method.includes(method)
}

function lists(rule: CorsRule, header: string): boolean {
  return rule.responseHeader.some((name) => name === '*' || name.toLowerCase() === header)
}
