/**
 * Issuers that sign tokens for everybody who has an account there. A rule for one of them must name the owner of the
 * workload: anybody can have a token of it whose other claims say what they like.
 */
import type { ClaimCondition } from '@signpost/contract'
import { SignpostError } from '@signpost/contract'

/** Does this text (of `equals`, or a pattern) name one owner? */
type NamesOwner = (text: string) => boolean

/** Without `*` at all: ids, and names without parts. */
const whole: NamesOwner = (text) => text !== '' && !text.includes('*')
/** `owner/...`: the first part is named. */
const path: NamesOwner = (text) => /^[^*/:]+(\/|$)/.test(text)
/** `<kind>:owner...`, where the owner ends at a delimiter. */
const subject =
  (...kinds: string[]): NamesOwner =>
  (text) =>
    kinds.some((kind) => text.startsWith(`${kind}:`) && /^[^*/:]+([/:]|$)/.test(text.slice(kind.length + 1)))

/**
 * By host; the path must be empty, for with one the issuer is one organisation's (GitHub Enterprise). Not among the claims
 * are those that others may bring about: a reusable workflow (`job_workflow_ref`) is called from anybody's repository.
 */
const sharedIssuers: Record<string, Record<string, NamesOwner>> = {
  'token.actions.githubusercontent.com': {
    sub: subject('repo', 'repository_owner', 'repository_owner_id', 'repository_id', 'enterprise'),
    repository: path,
    repository_id: whole,
    repository_owner: whole,
    repository_owner_id: whole,
    workflow_ref: path,
    enterprise: whole,
    enterprise_id: whole,
  },
  'gitlab.com': {
    sub: subject('project_path'),
    project_path: path,
    project_id: whole,
    namespace_path: path,
    namespace_id: whole,
  },
  'accounts.google.com': { sub: whole, email: whole, hd: whole },
  'app.terraform.io': {
    sub: subject('organization'),
    terraform_organization_id: whole,
    terraform_organization_name: whole,
    terraform_workspace_id: whole,
  },
  'agent.buildkite.com': {
    sub: subject('organization'),
    organization_slug: whole,
    organization_id: whole,
    pipeline_id: whole,
  },
}

/** Throws `invalid` for a rule that anybody with an account at its issuer could meet. */
export function requireOwnerNamed(issuer: string, conditions: readonly ClaimCondition[]): void {
  const { host, pathname } = new URL(issuer)
  const claims = pathname === '/' && Object.hasOwn(sharedIssuers, host) ? sharedIssuers[host]! : undefined
  if (!claims) return
  const isVerified = conditions.some(({ claim, equals }) => claim === 'email_verified' && equals === true)
  const named = conditions.some(({ claim, equals, matches }) => {
    const names = Object.hasOwn(claims, claim) ? claims[claim]! : undefined
    if (claim === 'email' && !isVerified) return false
    return names !== undefined && [equals, matches].some((text) => text !== undefined && names(String(text)))
  })
  if (named) return
  throw new SignpostError(
    'invalid',
    `conditions: ${host} gives tokens to everybody who has an account there, so anybody could meet these conditions. Name the owner of the workload, without \`*\` in its name, in one of ${Object.keys(claims).join(', ').replace('email', 'email (with email_verified equal to true)')}.`,
    { field: 'conditions' },
  )
}
