import { unknownValue, type SignedTexts } from './explain-url.ts'
import type { StoreAnswer } from './store-answer.ts'

/**
 * How what the store saw differs from what the URL was signed for, in sentences; the one to look at first stands first.
 * Secrets may still be inside: the caller redacts.
 */
export function differences(signed: SignedTexts, answer: StoreAnswer): string[] {
  const { canonicalRequest: seen, stringToSign: seenText, code, message } = answer
  if (seen === null && seenText === null)
    return [
      code === null
        ? 'this is no error document of a store: paste the whole body of its answer'
        : `the store answered ${code}${message === null ? '' : `: ${message}`}; it does not say what it saw`,
    ]
  const found =
    seen !== null && signed.canonicalRequest !== null ? requestDifferences(signed.canonicalRequest, seen) : []
  if (found.length > 0) return found
  const isKnown = !signed.canonicalRequest?.includes(`:${unknownValue}`)
  const lines = seenText === null || !isKnown ? [] : lineDifferences(signed, seenText)
  if (lines.length > 0) return lines
  return [
    'both sides signed the same text, so the keys differ: the connector holds another secret than the store, or the signature in the URL was cut or changed on its way',
  ]
}

interface ParsedRequest {
  method: string
  path: string
  query: Map<string, string>
  headers: Map<string, string>
  payloadHash: string
}

/** SigV4, "Create a canonical request": method, path, query, headers, an empty line, their names, the payload's hash. */
function parsedRequest(text: string): ParsedRequest {
  const [method = '', path = '', query = '', ...rest] = text.split('\n')
  const end = rest.indexOf('')
  const headers = rest.slice(0, end === -1 ? rest.length : end)
  return {
    method,
    path,
    query: new Map(query === '' ? [] : query.split('&').map((pair) => cut(pair, '='))),
    headers: new Map(headers.map((line) => cut(line, ':'))),
    payloadHash: rest.at(-1) ?? '',
  }
}

function cut(text: string, at: string): [string, string] {
  const index = text.indexOf(at)
  return index === -1 ? [text, ''] : [text.slice(0, index), text.slice(index + 1)]
}

function requestDifferences(signedText: string, seenText: string): string[] {
  const signed = parsedRequest(signedText)
  const seen = parsedRequest(seenText)
  const found: string[] = []
  if (signed.method !== seen.method)
    found.push(
      `the store saw the method ${seen.method}, the URL was signed for ${signed.method} (as --method says)`,
    )
  if (signed.path !== seen.path)
    found.push(
      `the store saw the path ${seen.path}, the URL was signed for ${signed.path}: something on the way changes paths`,
    )
  found.push(
    ...headerDifferences(signed.headers, seen.headers),
    ...queryDifferences(signed.query, seen.query),
  )
  if (signed.payloadHash !== seen.payloadHash)
    found.push(
      `the store saw the payload hash ${seen.payloadHash}, the URL was signed for ${signed.payloadHash}: send no x-amz-content-sha256 of your own`,
    )
  return found
}

function headerDifferences(signed: ReadonlyMap<string, string>, seen: ReadonlyMap<string, string>): string[] {
  const found: string[] = []
  for (const [name, value] of signed) {
    const other = seen.get(name)
    if (other === value) continue
    const isUnknown = value === unknownValue
    if (other === undefined || other === '')
      found.push(
        isUnknown
          ? `the store saw no ${name}, but the URL signs it: send the header that came with the URL`
          : `the store saw no ${name}, the URL was signed for ${name}: ${value}: send that header`,
      )
    else if (isUnknown)
      found.push(
        `the URL signs ${name}, and the store saw ${name}: ${other}: compare it with the header that came with the URL, or give that one as --header`,
      )
    else found.push(`the store saw ${name}: ${other}, the URL was signed for ${value}`)
  }
  for (const [name, value] of seen)
    if (!signed.has(name))
      found.push(`the store also counts the header ${name}: ${value}, which the URL does not sign`)
  return found
}

function queryDifferences(signed: ReadonlyMap<string, string>, seen: ReadonlyMap<string, string>): string[] {
  const found: string[] = []
  for (const [name, value] of signed) {
    const other = seen.get(name)
    if (other === undefined) found.push(`the store did not see the parameter ${name}, which the URL signs`)
    else if (other !== value)
      found.push(`the store saw the parameter ${name}=${other}, the URL was signed for ${name}=${value}`)
  }
  for (const name of seen.keys())
    if (!signed.has(name))
      found.push(
        `the store saw the parameter ${name}, which the URL was not signed with: it was added on the way`,
      )
  return found
}

const sigV4Lines = ['algorithm', 'time', 'credential scope', 'hash of the canonical request']

function lineDifferences(signed: SignedTexts, seenText: string): string[] {
  const ours = signed.stringToSign.split('\n')
  const theirs = seenText.split('\n')
  const found: string[] = []
  for (let index = 0; index < Math.max(ours.length, theirs.length); index += 1) {
    const [our = '', their = ''] = [ours[index], theirs[index]]
    if (our === their) continue
    const isSigV4 = signed.canonicalRequest !== null
    const name = (isSigV4 ? sigV4Lines[index] : undefined) ?? `line ${index + 1} of the string to sign`
    found.push(
      `the store has as ${name} ${JSON.stringify(their)}, the URL was signed with ${JSON.stringify(our)}`,
    )
  }
  return found
}
