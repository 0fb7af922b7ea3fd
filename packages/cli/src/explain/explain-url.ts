import { explainAzureUrl, explainS3Url, SigningInputError } from '@signpost/signing'

export interface SignedTexts {
  scheme: 'S3 (SigV4)' | 'Google Cloud Storage (V4)' | 'Azure SAS'
  /** Null on Azure, whose string to sign is all there is. */
  canonicalRequest: string | null
  stringToSign: string
  signedAt: string | null
  expiresAt: string | null
}

/** Stands for the value of a signed header that nobody has given. */
export const unknownValue = '(not given)'

/** What the signature of a URL covers, from the URL and the headers that go with it. */
export function explainUrl(
  url: string,
  method: string,
  headers: Readonly<Record<string, string>>,
): SignedTexts {
  if (!URL.canParse(url)) throw new SigningInputError('url', 'must be the whole signed URL, in quotes')
  const query = new URL(url).searchParams
  if (query.has('sig') && query.has('sv'))
    return {
      scheme: 'Azure SAS',
      canonicalRequest: null,
      ...explainAzureUrl(url),
      signedAt: query.get('st'),
      expiresAt: query.get('se'),
    }
  const prefix = query.has('X-Goog-Algorithm') ? 'X-Goog' : 'X-Amz'
  const signed = (query.get(`${prefix}-SignedHeaders`) ?? '').split(';').filter((name) => name !== 'host')
  const unknown = Object.fromEntries(signed.map((name) => [name, unknownValue]))
  const times = timesOf(query.get(`${prefix}-Date`), query.get(`${prefix}-Expires`))
  return {
    scheme: prefix === 'X-Goog' ? 'Google Cloud Storage (V4)' : 'S3 (SigV4)',
    ...explainS3Url(url, method, { ...unknown, ...headers }),
    ...times,
  }
}

function timesOf(
  date: string | null,
  expires: string | null,
): { signedAt: string | null; expiresAt: string | null } {
  const match = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date ?? '')
  if (!match) return { signedAt: null, expiresAt: null }
  const [, year, month, day, hour, minute, second] = match
  const signedAt = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`
  const end = new Date(Date.parse(signedAt) + Number(expires ?? Number.NaN) * 1000)
  return { signedAt, expiresAt: Number.isNaN(end.getTime()) ? null : end.toISOString().replace('.000Z', 'Z') }
}
