import type { IssuedUrl } from '@signpost/contract'

/** A URL that is asked for when first needed, kept while it lives, and asked for again once it has died. */
export interface LiveUrl {
  get: () => Promise<IssuedUrl>
  /** Says that the store refused this one: the next `get` asks for another. */
  drop: (dead: IssuedUrl) => void
}

/** Of a URL that ends sooner than this, ms, another is asked for before it is used. */
const spareMs = 5_000

interface Held {
  asked: Promise<IssuedUrl>
  url?: IssuedUrl
  /** ms since the epoch, by this machine's clock */
  endsAt: number
}

/** Several users of one URL (the ranges of one object) share each question for a new one. */
export function createLiveUrl(
  ask: () => Promise<IssuedUrl>,
  clock: () => number,
  first?: IssuedUrl,
): LiveUrl {
  let held: Held | undefined = first && hold(Promise.resolve(first))

  function hold(asked: Promise<IssuedUrl>): Held {
    const mine: Held = { asked, endsAt: Number.POSITIVE_INFINITY }
    asked.then(
      (url) => {
        mine.url = url
        // A fresh URL is used in any case: if it seems to be over already, then its life is short or this clock wrong.
        if (!isEnding(url, clock())) mine.endsAt = Date.parse(url.expiresAt) - spareMs
      },
      () => {
        if (held === mine) held = undefined
      },
    )
    return mine
  }

  return {
    get() {
      if (held && clock() >= held.endsAt) held = undefined
      held ??= hold(ask())
      return held.asked
    },
    drop(dead) {
      if (held?.url === dead) held = undefined
    },
  }
}

export function isEnding(issued: IssuedUrl, now: number): boolean {
  return Date.parse(issued.expiresAt) - now <= spareMs
}
