import { z } from 'zod'

/** A bucket in the host, and another one in the path, would open the first under the name of the second. */
const bucketInHost =
  /^(?!s3[a-z0-9-]*\.(?!.*\bs3[.-])|(?:bucket|accesspoint)\.vpce-).*\.amazonaws\.com(?:\.cn)?$/
const bucketInGoogleHost = /^(?!(?:commondata)?storage[a-z0-9-]*\.(?!.*\bstorage[.-])).*\.googleapis\.com$/

/** Of what the URL parser takes in a host, what a shell and a log read as it stands; other letters as xn--... */
const plainHost = /^https?:\/\/(?:\[[\da-f:.]+\]|[\w.-]+)(?::\d+)?(?:[/?#@].*)?$/i

export const Endpoint = z
  // Nothing else is asked of what is no URL.
  .url({ protocol: /^https?$/, abort: true, error: 'must be a URL, such as https://s3.example.com' })
  .max(512)
  .refine((url) => plainHost.test(url), 'must name the host in letters, digits, dots and hyphens')
  .refine((url) => {
    const { username, password, search, hash, pathname } = new URL(url)
    return !username && !password && !search && !hash && pathname === '/'
  }, 'must be scheme, host and port only, such as https://s3.example.com')
  .refine((url) => {
    const { hostname } = new URL(url)
    return !hostname.endsWith('.') && !bucketInHost.test(hostname) && !bucketInGoogleHost.test(hostname)
  }, 'must not hold the bucket, nor end with a dot: give the host of the service')
