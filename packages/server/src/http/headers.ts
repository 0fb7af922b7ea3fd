/** Answers hold live URLs: no cache may keep one, no browser may guess a type. */
export const headersOfAll = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const
