/** An answer that says no, in the shape of Cloud Storage's XML API ("HTTP status and error codes for XML"). */
export class GcsRefusal extends Error {
  readonly status: number
  readonly code: string
  /** Further elements of the error document, in order. */
  readonly elements: Readonly<Record<string, string>>

  constructor(
    status: number,
    code: string,
    message: string,
    elements: Readonly<Record<string, string>> = {},
  ) {
    super(message)
    this.status = status
    this.code = code
    this.elements = elements
  }
}

export function malformedHeader(parameterName: string, details: string): GcsRefusal {
  const message = 'Your request has a malformed header.'
  return new GcsRefusal(400, 'MalformedSecurityHeader', message, {
    ParameterName: parameterName,
    Details: details,
  })
}

export function invalidArgument(details: string): GcsRefusal {
  return new GcsRefusal(400, 'InvalidArgument', 'Invalid argument.', { Details: details })
}

export function accessDenied(details: string): GcsRefusal {
  return new GcsRefusal(403, 'AccessDenied', 'Access denied.', { Details: details })
}
