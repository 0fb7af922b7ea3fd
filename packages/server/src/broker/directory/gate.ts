/** The door for a directory (SCIM): who may say who there is, and who is in which team. */
import { SignpostError, type AuditEventType } from '@signpost/contract'
import type { Decision } from '../../domain/decide-access.ts'
import { findPrincipalById } from '../../store/principals.ts'
import type { BrokerDeps, Caller } from '../deps.ts'
import { requireOrganisation } from '../gate.ts'
import { recordRefusal } from '../refuse.ts'

/** Somebody who may act for the directory. Every use case of this folder asks for it. */
export interface DirectoryCaller {
  caller: Caller
  decision: Decision
}

/** All that is recorded through these says by what it was done. */
export function scimDeps(deps: BrokerDeps): BrokerDeps {
  const { store } = deps
  return {
    ...deps,
    store: {
      ...store,
      commit: ({ statements, events }) =>
        store.commit({
          statements,
          events: events.map((event) =>
            'text' in event ? event : { ...event, details: { ...event.details, by: 'scim' } },
          ),
        }),
    },
  }
}

/**
 * Users and groups go together: their keeper needs both rights. A service account of a team has none of them by its role;
 * that it is refused does not hang on that.
 */
export async function enterDirectory(
  deps: BrokerDeps,
  caller: Caller,
  type: AuditEventType,
): Promise<DirectoryCaller> {
  const decision = await requireOrganisation(deps, caller, 'users.manage', type)
  await requireOrganisation(deps, caller, 'teams.manage', type)
  const { principal } = caller
  if (principal.kind === 'serviceAccount') {
    const row = await findPrincipalById(deps.store.db, principal.id)
    if (row?.team_id !== null) {
      await recordRefusal(deps, caller, type, 'team_service_account')
      throw new SignpostError(
        'forbidden',
        "A team's service account does not keep users and teams: use one of the organisation.",
      )
    }
  }
  return { caller, decision }
}
