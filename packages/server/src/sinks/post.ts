/** One HTTP POST of a sink, and what its answer means. */
import { SignpostError } from '@signpost/contract'
import type { Delivery, SinkDeps } from './types.ts'

export interface Post {
  url: string
  allowInternal: boolean
  headers: Record<string, string>
  body: string
}

/** Nobody waits longer than that because a receiver says so. */
const retryAfterSecondsMax = 3600

/** `answer`: the body, where it was taken. */
export async function post(
  { guardedFetch, clock }: Pick<SinkDeps, 'guardedFetch' | 'clock'>,
  { url, allowInternal, headers, body }: Post,
): Promise<{ taken: true; answer: string } | { taken: false; delivery: Delivery }> {
  const { host } = new URL(url)
  const failed = (problem: string, more: object = {}) =>
    ({ taken: false, delivery: { ok: false, problem, ...more } }) as const
  try {
    const response = await guardedFetch(allowInternal)(url, { method: 'POST', headers, body })
    const { status } = response
    const answer = await response.text()
    if (response.ok) return { taken: true, answer }
    const wait = retryAfterOf(response.headers.get('retry-after'), clock())
    return failed(`${host} answered HTTP ${status}${hints[status] ?? ''}.`, {
      ...(wait === undefined ? {} : { retryAfterSeconds: wait }),
      ...(status === 413 ? { isTooLarge: true } : {}),
    })
  } catch (error) {
    // Its sentence names the host, and nothing else.
    if (error instanceof SignpostError) return failed(error.message)
    return failed(`${host} could not be asked.`)
  }
}

const hints: Record<number, string> = {
  401: ': see whether the secrets of the sink are still the right ones',
  403: ': see whether the secrets of the sink are still the right ones',
  404: ': see whether the address is still the right one',
  410: ': it says that it is gone for good; remove the sink, or give it another address',
  413: ': the message is too large',
  429: ': it wants fewer messages',
}

/** RFC 9110 §10.2.3: seconds, or a date. */
function retryAfterOf(text: string | null, now: number): number | undefined {
  if (text === null) return undefined
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : Math.ceil((Date.parse(text) - now) / 1000)
  return seconds > 0 ? Math.min(seconds, retryAfterSecondsMax) : undefined
}
