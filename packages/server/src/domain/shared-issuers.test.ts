import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SignpostError, type ClaimCondition } from '@signpost/contract'
import { requireOwnerNamed } from './shared-issuers.ts'

const github = 'https://token.actions.githubusercontent.com'
const gitlab = 'https://gitlab.com'
const google = 'https://accounts.google.com'
const is = (claim: string, equals: ClaimCondition['equals']): ClaimCondition => ({ claim, equals })
const like = (claim: string, matches: string): ClaimCondition => ({ claim, matches })

test('a rule for an issuer that serves everybody must name the owner', () => {
  const good: [string, ClaimCondition[]][] = [
    [github, [is('repository', 'acme/model')]],
    [github, [like('repository', 'acme/*')]],
    [github, [is('repository_owner', 'acme')]],
    [github, [is('repository_owner_id', '1234')]],
    [github, [is('sub', 'repo:acme/model:ref:refs/heads/main')]],
    [github, [like('sub', 'repo:acme/*:environment:production')]],
    [github, [is('ref', 'refs/heads/main'), like('workflow_ref', 'acme/model/.github/workflows/*')]],
    [gitlab, [is('project_path', 'acme/model')]],
    [gitlab, [is('namespace_path', 'acme')]],
    [gitlab, [like('sub', 'project_path:acme/*:ref_type:branch:ref:main')]],
    [google, [is('sub', '103200000000000000000')]],
    [google, [is('email', 'ci@acme.iam.gserviceaccount.com'), is('email_verified', true)]],
    [google, [is('hd', 'acme.example')]],
    // One's own: whoever runs it says who is there.
    ['https://gitlab.acme.example', [like('sub', '*')]],
    [`${github}/acme-corp`, [is('ref', 'refs/heads/main')]],
    ['https://oidc.eks.eu-west-1.amazonaws.com/id/ABC', [like('sub', 'system:serviceaccount:*:trainer')]],
  ]
  for (const [issuer, conditions] of good) requireOwnerNamed(issuer, conditions)
})

test('a rule that anybody there could meet is refused, and told why', () => {
  const bad: [string, ClaimCondition[]][] = [
    [github, [is('ref', 'refs/heads/main')]],
    [github, [like('repository', '*/model')]],
    [github, [like('repository', '*/*')]],
    [github, [like('repository', 'acme*/model')]],
    [github, [like('repository', '*acme/model')]],
    [github, [like('repository_owner', 'acme*')]],
    [github, [like('sub', 'repo:*')]],
    [github, [like('sub', 'repo:*/model:ref:refs/heads/main')]],
    [github, [like('sub', 'repo:acme*/model:pull_request')]],
    [github, [like('sub', '*:acme/model')]],
    [github, [is('actor', 'octocat')]],
    // Called from anybody's repository.
    [github, [is('job_workflow_ref', 'acme/shared/.github/workflows/build.yml@refs/heads/main')]],
    [github, [is('repository_visibility', 'private'), is('runner_environment', 'self-hosted')]],
    [github, [is('repository', '')]],
    [github, [is('repository', '/model')]],
    [gitlab, [is('user_login', 'alice')]],
    [gitlab, [like('project_path', '*/model')]],
    [gitlab, [like('ci_config_ref_uri', 'gitlab.com/acme/*')]],
    [google, [like('email', '*@acme.iam.gserviceaccount.com'), is('email_verified', true)]],
    [google, [is('email', 'ci@acme.iam.gserviceaccount.com')]],
    [google, [is('email_verified', true)]],
    [google, [like('sub', '1*')]],
    ['https://TOKEN.actions.githubusercontent.com:443/', [is('ref', 'refs/heads/main')]],
    ['https://app.terraform.io', [is('terraform_run_phase', 'apply')]],
  ]
  for (const [issuer, conditions] of bad)
    assert.throws(
      () => requireOwnerNamed(issuer, conditions),
      (error) =>
        error instanceof SignpostError &&
        error.code === 'invalid' &&
        error.field === 'conditions' &&
        error.message.includes('anybody could meet these conditions'),
      JSON.stringify(conditions),
    )
})
