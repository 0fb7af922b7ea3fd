import { randomBytes } from 'node:crypto'
import { startStandIn, type Answer, type Asked, type StandIn } from './stand-in.ts'

export interface Sts extends StandIn {
  /** The calls that were answered with a session, in order. */
  calls: URLSearchParams[]
}

interface Rule {
  pattern?: RegExp
  max?: number
  isRequired?: boolean
}

/** "Request parameters" of each action in the reference of the STS API. */
const rules: Readonly<Record<string, Readonly<Record<string, Rule>>>> = {
  AssumeRole: {
    RoleArn: { pattern: /^[ -~]{20,2048}$/, isRequired: true },
    RoleSessionName: { pattern: /^[\w+=,.@-]{2,64}$/, isRequired: true },
    SourceIdentity: { pattern: /^(?!aws:)[\w+=,.@-]{2,64}$/ },
    ExternalId: { pattern: /^[\w+=,.@:/-]{2,1224}$/ },
    Policy: { pattern: /^[\t\n -\u00ff]{1,2048}$/ },
    DurationSeconds: { max: 43_200 },
  },
  GetFederationToken: {
    Name: { pattern: /^[\w+=,.@-]{2,32}$/, isRequired: true },
    Policy: { pattern: /^[\t\n -\u00ff]{1,2048}$/ },
    DurationSeconds: { max: 129_600 },
  },
  AssumeRoleWithWebIdentity: {
    RoleArn: { pattern: /^[ -~]{20,2048}$/, isRequired: true },
    RoleSessionName: { pattern: /^[\w+=,.@-]{2,64}$/, isRequired: true },
    WebIdentityToken: { pattern: /^.{4,20000}$/, isRequired: true },
    DurationSeconds: { max: 43_200 },
  },
}

/**
 * AWS's Security Token Service, as far as its query API's shapes go: it checks parameters, and hands out sessions that
 * open nothing. A stand-in: Ceph's token service, which is real, has no GetFederationToken.
 */
export async function startSts(): Promise<Sts> {
  const calls: URLSearchParams[] = []
  const standIn = await startStandIn((asked) => {
    const form = new URLSearchParams(asked.body)
    const wrong = problemOf(asked, form)
    if (wrong !== undefined) return wrong
    calls.push(form)
    return session(form)
  })
  return { ...standIn, calls }
}

/** An error in the form of the query API. */
export function stsProblem(status: number, code: string, message: string): Answer {
  const error = `<Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>`
  const body = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${error}<RequestId>c6104cbe</RequestId></ErrorResponse>`
  return { status, headers: { 'content-type': 'text/xml' }, body }
}

function problemOf({ method, headers }: Asked, form: URLSearchParams): Answer | undefined {
  const action = form.get('Action') ?? ''
  const known = rules[action]
  if (method !== 'POST' || form.get('Version') !== '2011-06-15' || !known)
    return stsProblem(400, 'InvalidAction', 'Could not find operation')
  const scope = /^AWS4-HMAC-SHA256 Credential=[^/]+\/\d{8}\/[\w-]+\/sts\/aws4_request,/
  if (action !== 'AssumeRoleWithWebIdentity' && !scope.test(headers.authorization ?? ''))
    return stsProblem(403, 'MissingAuthenticationToken', 'Request is missing Authentication Token')
  for (const name of form.keys())
    if (!['Action', 'Version'].includes(name) && !(name in known))
      return stsProblem(400, 'ValidationError', `Unknown parameter ${name}`)
  for (const [name, { pattern, max, isRequired }] of Object.entries(known)) {
    const value = form.get(name)
    const isWrong =
      value === null
        ? isRequired === true
        : (pattern && !pattern.test(value)) || (max !== undefined && !(+value >= 900 && +value <= max))
    if (isWrong) return stsProblem(400, 'ValidationError', `Value at '${name}' failed to satisfy constraint`)
  }
  return undefined
}

function session(form: URLSearchParams): Answer {
  const action = form.get('Action')!
  const seconds = Number(form.get('DurationSeconds') ?? (action === 'GetFederationToken' ? 43_200 : 3600))
  const fields = {
    AccessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
    SecretAccessKey: randomBytes(20).toString('hex'),
    SessionToken: randomBytes(60).toString('base64'),
    Expiration: new Date(Math.floor(Date.now() / 1000 + seconds) * 1000).toISOString(),
  }
  const xml = Object.entries(fields).map(([name, value]) => `<${name}>${value}</${name}>`)
  const result = `<${action}Result><Credentials>${xml.join('')}</Credentials></${action}Result>`
  const body = `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/">${result}</${action}Response>`
  return { status: 200, headers: { 'content-type': 'text/xml' }, body }
}
