/** Operations about what people may: roles, restricted prefixes, why, and who. */
import { z } from 'zod'
import type { Operation } from './operation.ts'
import {
  AccessExplanation,
  AccessReviewLine,
  ExplainAccess,
  ReviewAccessQuery,
} from './schemas/access-review.ts'
import { PageQuery, Slug, pageOf } from './schemas/common.ts'
import { RestrictedPrefix, SetRestrictedPrefix } from './schemas/restricted-prefix.ts'
import * as roles from './schemas/roles.ts'

const team = Slug.describe('Name of the team')
const Team = z.strictObject({ team })
const id = z.string().max(64)
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
} as const satisfies Record<string, Operation>
