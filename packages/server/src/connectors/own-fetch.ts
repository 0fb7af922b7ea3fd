/** `fetch` for Signpost's own calls: buckets' logs know them by this User-Agent. What a call says itself counts. */
export function ownFetch(send: typeof fetch, userAgent: string): typeof fetch {
  return (input, init = {}) => {
    const headers = new Headers(init.headers ?? (input instanceof Request ? input.headers : undefined))
    if (!headers.has('user-agent')) headers.set('user-agent', userAgent)
    return send(input, { ...init, headers })
  }
}
