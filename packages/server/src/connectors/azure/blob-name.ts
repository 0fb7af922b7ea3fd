import { SignpostError } from '@signpost/contract'

/** A backslash is a slash to some of those between. */
const dotSegment = /(?:^|[/\\])\.{1,2}(?:[/\\]|$)/

/**
 * A key as it may be handed to Azure's SDK. It puts names into `new URL`, which collapses segments of dots: what was to be
 * in one team's folder would be in another's, or in another container.
 *
 * @throws SignpostError `invalid_key`
 */
export function blobName(key: string): string {
  if (!dotSegment.test(key)) return key
  throw new SignpostError(
    'invalid_key',
    'key: must not hold a segment that is . or .., which Azure collapses.',
    {
      field: 'key',
    },
  )
}
