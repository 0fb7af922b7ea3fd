/** What Microsoft Entra and a machine's identity service say no with, and what mends it. Only the number of a refusal goes out. */

import { SignpostError } from '@signpost/contract'
import { networkError } from '../store-error.ts'

const FEDERATED = "the application's (or managed identity's) federated credential"

/** "Microsoft Entra authentication and authorization error codes". */
const fixes: Readonly<Record<string, string>> = {
  AADSTS7000215: 'the client secret is wrong: give the credential anew',
  AADSTS7000222: 'the client secret has expired: make a new one',
  AADSTS700016: 'the application is not in this tenant: check clientId and tenantId',
  AADSTS7000229: 'the application has no service principal in this tenant: make one (az ad sp create)',
  AADSTS7000112: 'the application is disabled: enable it in Entra',
  AADSTS90002: 'there is no such tenant: check tenantId',
  AADSTS900023: 'tenantId is not a tenant',
  AADSTS53003: "a Conditional Access policy forbids it: let this server's address through",
  AADSTS70021: `no federated credential matches the token: compare issuer, subject and audience with ${FEDERATED}`,
  AADSTS700211: `the token's issuer is not that of ${FEDERATED}: they must be the same, to the last slash`,
  AADSTS700212: `the token's audience is not that of ${FEDERATED}: ask the platform for api://AzureADTokenExchange`,
  AADSTS700213: `the token's subject is not that of ${FEDERATED}: for Kubernetes system:serviceaccount:NAMESPACE:NAME`,
  AADSTS700024:
    'the federated token has expired, or is not good yet: renew it (best {file}), and set the clocks by NTP',
  AADSTS700027: "the federated token's signature does not fit its issuer's published keys",
  AADSTS50027: 'the federated token is malformed: give the whole JWT, with nothing around it',
  AADSTS5002723: 'the federated token is malformed: give the whole JWT, with nothing around it',
  AADSTS50166: "Entra cannot reach the issuer's OpenID configuration: publish it on the internet",
  AADSTS500011: 'Azure Storage is not known in this tenant: check tenantId and authorityHost',
}

/** What the machine's identity service says, without a number. */
const sentences: readonly [RegExp, string, string][] = [
  [
    /identity not found/i,
    'This machine has no such managed identity',
    'assign it to the machine, or check clientId',
  ],
  [
    /network_error|network unreachable|Network error/i,
    "The machine's identity service does not answer",
    'run Signpost on Azure, or take a credential of another type',
  ],
]

/** `otherwise`: the fix of what has none of its own. Entra's descriptions hold ids and times, never the secret; still only the number goes out. */
export function entraError(error: unknown, host: string, otherwise: string): SignpostError {
  const network = networkError(error, { host })
  if (network !== undefined) return unavailable(`No token from Entra: ${network.message}`, network.cause)
  const message = error instanceof Error ? error.message : ''
  const code = /AADSTS\d{4,8}/.exec(message)?.[0]
  const cause = new Error(code ?? (error instanceof Error ? error.name : 'unknown'))
  if (code === undefined) {
    const [, what, fix] = sentences.find(([pattern]) => pattern.test(message)) ?? []
    if (what !== undefined) return unavailable(`${what}. Fix: ${fix}.`, cause)
  }
  const fix = code === undefined ? undefined : fixes[code]
  const why = code === undefined ? `${host} gave no token` : `Entra refused: ${code}`
  return unavailable(`${why}. Fix: ${fix ?? otherwise}.`, cause)
}

function unavailable(message: string, cause: unknown): SignpostError {
  return new SignpostError('credential_unavailable', message, { cause })
}
