import type { UnitFailure } from './commit-group.ts'
import type { Statement } from './store.ts'

type Problem = Omit<UnitFailure, 'unit'>

/** What a caller knows by another name than the column. */
const fields: Readonly<Record<string, string>> = {
  'principals.username': 'username',
  'principals.external_id': 'externalId',
  'teams.external_id': 'externalId',
  'teams.name': 'name',
  'connectors.name': 'settings.name',
  'connectors.is_default': 'isDefault',
  'identity_providers.name': 'name',
  'idempotency_keys.idempotency_key': 'idempotencyKey',
}

/** A unique value that is taken. `column` is `table.column` where the database tells it. */
export function takenProblem(column: string | undefined, cause: string): Problem {
  const field = column === undefined ? undefined : fields[column]
  return {
    code: 'conflict',
    message: field
      ? `\`${field}\` is taken: choose another.`
      : 'Something of the same name or id is there already.',
    ...(field ? { field } : {}),
    cause,
  }
}

export function referenceProblem(cause: string): Problem {
  return {
    code: 'conflict',
    message: 'Something that this needs is gone, or something else still uses it: look again, then repeat.',
    cause,
  }
}

/** `expectRows` was not met: what was read before has changed since. */
export function changedProblem(cause: string, field?: string): Problem {
  const message = 'It was changed in the meantime: look again, then repeat.'
  return { code: 'conflict', message, ...(field === undefined ? {} : { field }), cause }
}

/** What a conflict is about whose statement takes of a budget. */
export function fieldOf({ budget }: Pick<Statement, 'budget'>): string | undefined {
  return budget === undefined ? undefined : 'budget'
}

/** A statement that can never work, such as one that breaks a check: a mistake in Signpost. */
export function brokenProblem(cause: string): Problem {
  return { code: 'internal', message: 'Something went wrong inside Signpost.', cause }
}
