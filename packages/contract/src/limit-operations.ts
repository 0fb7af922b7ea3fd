/** Operations that limit and take back: restrictions, budgets, share links, revocations. */
import { z } from 'zod'
import type { Operation } from './operation.ts'
import { PageQuery, Slug, pageOf } from './schemas/common.ts'
import * as links from './schemas/links.ts'
import * as restrictions from './schemas/restrictions.ts'
import * as revocations from './schemas/revocations.ts'

const team = Slug.describe('Name of the team')
const Team = z.strictObject({ team })
const id = z.string().max(64)
const Id = z.strictObject({ id })
const TeamThing = z.strictObject({ team, id })

export const limitOperations = {
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
