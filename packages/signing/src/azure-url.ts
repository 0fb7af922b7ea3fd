/** The URL that a SAS token opens. */

import { hostOf, checkKey, checkText } from './checks.ts'
import { SigningInputError } from './errors.ts'
import { encodeComponent, encodePath } from './sigv4/encode.ts'

export interface AzureUrlRequest {
  /** `https://account.blob.core.windows.net`, or for Azurite `http://127.0.0.1:10000` with `account`. */
  origin: string
  /** First segment of the path, where the host does not name the account (Azurite). */
  account?: string
  container: string
  /** Absent: the container itself. */
  blob?: string
  /** The token of `azureSas`. */
  sas: string
  /** Operation parameters, `{comp: 'block', blockid: '...'}`; unsigned, put before the token. */
  query?: Readonly<Record<string, string>>
}

/**
 * A live credential until the SAS expires. The path is encoded as strictly as S3's, so that URL clients leave it alone and
 * Azure decodes it to the name that was signed.
 *
 * @throws SigningInputError naming the field.
 */
export function azureBlobUrl(request: AzureUrlRequest): string {
  const { origin, account, container, blob, sas, query } = request
  hostOf(origin)
  checkText('container', container)
  let path =
    account === undefined
      ? `/${encodeComponent(container)}`
      : `/${encodeComponent(account)}/${encodeComponent(container)}`
  if (blob !== undefined) {
    checkKey('blob', blob)
    path += `/${encodePath(blob)}`
  }
  return `${origin}${path}?${query === undefined ? '' : operationQuery(query)}${sas}`
}

/** Names of the token itself: given twice, the service could take the unsigned one. */
const SAS_NAMES = new Set(
  'sv ss sr srt sp st se si sip spr sig sdd ses skoid sktid skt ske sks skv skdutid saoid suoid scid sduoid srh srq rscc rscd rsce rscl rsct'.split(
    ' ',
  ),
)

function operationQuery(query: Readonly<Record<string, string>>): string {
  let text = ''
  for (const [name, value] of Object.entries(query)) {
    const field = `query[${JSON.stringify(name)}]`
    checkText(field, name)
    if (SAS_NAMES.has(name.toLowerCase())) throw new SigningInputError(field, 'belongs to the SAS token')
    if (!value.isWellFormed())
      throw new SigningInputError(field, 'holds a lone surrogate, which has no UTF-8 form: remove it')
    text += `${encodeComponent(name)}=${encodeComponent(value)}&`
  }
  return text
}
