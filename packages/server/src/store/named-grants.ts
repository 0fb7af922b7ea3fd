/** Events of grants by their ids: what matching a log asks the most, so it is prepared once. */

/** Stands in no JSON text (RFC 7464), so it parts them. */
const separator = '\u001E'

/**
 * Of ids as a JSON text, the events in one row: many rows take longer to hand over than to find. It begins with the ids, as the
 * planner cannot know that they are few.
 */
export const namedGrantsSql = {
  sqlite: `select string_agg(e.event, char(30)) from (select value from json_each(?)) as named
    cross join audit_events as e where e.grant_id = named.value`,
  postgres: `select string_agg(e.event, chr(30)) as "events"
    from (select value from json_array_elements_text($1::json) as listed (value)) as named
    cross join audit_events as e where e.grant_id = named.value`,
}

export function idsText(grantIds: readonly string[]): string {
  return JSON.stringify(grantIds)
}

export function eventsIn(text: string | null | undefined): string[] {
  return text?.split(separator) ?? []
}
