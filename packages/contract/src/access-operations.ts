/** Operations about what people may: roles, restricted prefixes, restrictions, budgets, links, and taking back. */
import { z } from 'zod'
import type { Operation } from './operation.ts'
import {
  AccessExplanation,
  AccessReviewLine,
  ExplainAccess,
  ReviewAccessQuery,
} from './schemas/access-review.ts'
import { PageQuery, Slug, pageOf } from './schemas/common.ts'
import * as links from './schemas/links.ts'
import { RestrictedPrefix, SetRestrictedPrefix } from './schemas/restricted-prefix.ts'
import * as restrictions from './schemas/restrictions.ts'
import * as revocations from './schemas/revocations.ts'
import * as roles from './schemas/roles.ts'

const team = Slug.describe('Name of the team')
const Team = z.strictObject({ team })
const id = z.string().max(64)
const Id = z.strictObject({ id })
const TeamThing = z.strictObject({ team, id })
const RoleParams = z.strictObject({ scope: roles.RoleScope, role: roles.RoleName })

export const accessOperations = {
  listRoles: {
    method: 'GET',
    path: '/v1/roles',
    tag: 'Roles',
    summary: 'Roles, built-in ones first',
    description: 'For everybody: who gives a role must see what it allows.',
    query: PageQuery,
    status: 200,
    reply: pageOf(roles.Role),
    errors: [],
  },
  createRole: {
    method: 'POST',
    path: '/v1/roles',
    tag: 'Roles',
    summary: 'Make a role of permissions',
    description: 'For those who may manage roles; never with a permission that they do not have themselves.',
    body: roles.CreateRole,
    status: 201,
    reply: roles.Role,
    idempotent: true,
    errors: ['conflict', 'idempotency_mismatch'],
  },
  updateRole: {
    method: 'PATCH',
    path: '/v1/roles/{scope}/{role}',
    tag: 'Roles',
    summary: 'Change a role; it counts from the next request of its holders on',
    description: 'As for making one. Built-in roles cannot be changed (`conflict`).',
    params: RoleParams,
    body: roles.UpdateRole,
    status: 200,
    reply: roles.Role,
    errors: ['conflict'],
  },
  deleteRole: {
    method: 'DELETE',
    path: '/v1/roles/{scope}/{role}',
    tag: 'Roles',
    summary: 'Delete a role that nobody holds',
    description: 'For those who may manage roles. Refused (`conflict`) while somebody holds it.',
    params: RoleParams,
    status: 204,
    errors: ['conflict'],
  },

  listRestrictedPrefixes: {
    method: 'GET',
    path: '/v1/teams/{team}/restricted-prefixes',
    tag: 'Restricted prefixes',
    summary: 'Prefixes that only some of the team may reach',
    description: "For the team's admins (`prefixes.manage`), and who may review access.",
    params: Team,
    query: PageQuery,
    status: 200,
    reply: pageOf(RestrictedPrefix),
    errors: [],
  },
  setRestrictedPrefix: {
    method: 'PUT',
    path: '/v1/teams/{team}/restricted-prefixes',
    tag: 'Restricted prefixes',
    summary: 'Restrict a prefix, or change who may reach it',
    description:
      "For the team's admins (`prefixes.manage`). It holds for them too: who wants in, must be named, and that is recorded.",
    params: Team,
    body: SetRestrictedPrefix,
    status: 200,
    reply: RestrictedPrefix,
    errors: ['invalid_key', 'conflict'],
  },
  deleteRestrictedPrefix: {
    method: 'DELETE',
    path: '/v1/teams/{team}/restricted-prefixes/{id}',
    tag: 'Restricted prefixes',
    summary: 'Open a prefix to the whole team again',
    description: "For the team's admins (`prefixes.manage`).",
    params: TeamThing,
    status: 204,
    errors: [],
  },

  explainAccess: {
    method: 'POST',
    path: '/v1/access/explain',
    tag: 'Access',
    summary: 'May this user do that, and which rule says so',
    description: "About oneself; about others: for the team's admins, and who may review access. Recorded.",
    body: ExplainAccess,
    status: 200,
    reply: AccessExplanation,
    errors: ['invalid_key'],
  },
  reviewAccess: {
    method: 'GET',
    path: '/v1/access/review',
    tag: 'Access',
    summary: 'Who may reach what, and what of it was never used; NDJSON',
    description: 'For who may review access; with `team`: also for its admins. Recorded.',
    query: ReviewAccessQuery,
    status: 200,
    reply: AccessReviewLine,
    stream: true,
    errors: [],
  },

  listRestrictions: {
    method: 'GET',
    path: '/v1/restrictions',
    tag: 'Restrictions',
    summary: 'Restrictions in force, and those to come',
    description:
      "For who may manage restrictions; with `team`: also for its admins; with one's own `username`: for oneself.",
    query: restrictions.ListRestrictionsQuery,
    status: 200,
    reply: pageOf(restrictions.Restriction),
    errors: [],
  },
  createRestriction: {
    method: 'POST',
    path: '/v1/restrictions',
    tag: 'Restrictions',
    summary: 'Deny or cap what a user, service account, team, prefix or network may do',
    description:
      'For who may manage restrictions; with `team`: also for its admins. In force for the next request, in every replica. URLs that were issued live on: see revocations.',
    body: restrictions.CreateRestriction,
    status: 201,
    reply: restrictions.Restriction,
    idempotent: true,
    errors: ['conflict', 'idempotency_mismatch'],
  },
  endRestriction: {
    method: 'DELETE',
    path: '/v1/restrictions/{id}',
    tag: 'Restrictions',
    summary: 'End a restriction',
    description: "For who may make it; a team's admins cannot end one that the organisation made.",
    params: Id,
    status: 204,
    errors: [],
  },

  listBudgets: {
    method: 'GET',
    path: '/v1/budgets',
    tag: 'Restrictions',
    summary: 'Budgets, and what of them is used',
    description: 'For who may manage restrictions; others see those of themselves and of their teams.',
    query: PageQuery,
    status: 200,
    reply: pageOf(restrictions.Budget),
    errors: [],
  },
  setBudget: {
    method: 'PUT',
    path: '/v1/budgets',
    tag: 'Restrictions',
    summary: 'Set the budget of a user, service account or team',
    description: "For who may manage restrictions; a team's: only the organisation's.",
    body: restrictions.SetBudget,
    status: 200,
    reply: restrictions.Budget,
    errors: [],
  },
  deleteBudget: {
    method: 'DELETE',
    path: '/v1/budgets/{id}',
    tag: 'Restrictions',
    summary: 'Take a budget away',
    description: 'For who may set it.',
    params: Id,
    status: 204,
    errors: [],
  },

  listShareLinks: {
    method: 'GET',
    path: '/v1/teams/{team}/links',
    tag: 'Share links',
    summary: "Share links: one's own; the team's admins: all of the team",
    description: 'For members of the team.',
    params: Team,
    query: PageQuery,
    status: 200,
    reply: pageOf(links.ShareLink),
    errors: [],
  },
  createShareLink: {
    method: 'POST',
    path: '/v1/teams/{team}/links',
    tag: 'Share links',
    summary: 'Make a link that reads an object, or what lies below a prefix',
    description:
      'With the permission `links.create`, and only for what one may read oneself. Each use is decided anew in the name of its maker, and recorded.',
    params: Team,
    body: links.CreateShareLink,
    status: 201,
    reply: links.CreatedShareLink,
    idempotent: true,
    errors: ['invalid_key', 'conflict', 'restricted', 'idempotency_mismatch'],
  },
  deleteShareLink: {
    method: 'DELETE',
    path: '/v1/teams/{team}/links/{id}',
    tag: 'Share links',
    summary: 'Take a link back, at once',
    description: "Its maker; the team's admins.",
    params: TeamThing,
    status: 204,
    errors: [],
  },

  planRevocation: {
    method: 'POST',
    path: '/v1/revocations/plan',
    tag: 'Revocations',
    summary: 'What is out there, and what each step could do about it, how soon, and to whom else',
    description:
      'For who may revoke (`revocations.manage`); with a team: also for its admins. Changes nothing.',
    body: z.strictObject({ target: revocations.RevocationTarget }),
    status: 200,
    reply: revocations.RevocationPlan,
    errors: [],
  },
  revoke: {
    method: 'POST',
    path: '/v1/revocations',
    tag: 'Revocations',
    summary: 'Do these steps, and try whether they hold',
    description:
      'For who may revoke (`revocations.manage`). Steps are done in the order of the ladder, each is recorded, and one that fails does not keep the others back.',
    body: revocations.Revoke,
    status: 200,
    reply: revocations.RevocationOutcome,
    errors: [
      'conflict',
      'unsupported_by_store',
      'bucket_refused',
      'bucket_unreachable',
      'credential_unavailable',
    ],
  },
} as const satisfies Record<string, Operation>
