import { SignpostError } from '@signpost/contract'

/** A backslash is a slash to some of those between. */
const dotAtEnd = /\.(?:[/\\]|$)/

/**
 * A key as it may be signed for Azure, and handed to its SDK. That puts names into `new URL`, which collapses segments of
 * dots: what was to be in one team's folder would be in another's, or in another container. And the service itself leaves out
 * the dots at the end of a segment ("Naming and Referencing Containers, Blobs, and Metadata": no path segment should end with
 * one): `secret./plan` would be decided on as a key beside `secret/`, and be the object within.
 *
 * @throws SignpostError `invalid_key`
 */
export function blobName(key: string): string {
  if (!dotAtEnd.test(key)) return key
  throw new SignpostError(
    'invalid_key',
    'key: must not hold a segment that ends with a dot: Azure leaves such dots out, and it would be another object.',
    {
      field: 'key',
    },
  )
}
