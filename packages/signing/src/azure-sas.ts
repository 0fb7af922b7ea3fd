/**
 * Azure Storage shared access signatures for one blob or one container: service SAS (account key) and user delegation
 * SAS. Fields and their order: "Create a service SAS" and "Create a user delegation SAS" in Microsoft's REST reference;
 * where that text and the official SDKs differ, the SDKs' order is the one that the service accepts.
 */

import { checkAzureRequest } from './azure-checks.ts'
import { encodeComponent } from './sigv4/encode.ts'
import { hmac, hmacKey, type HmacKey } from './sigv4/hmac.ts'
import { extendedTimestamp } from './timestamps.ts'
import type { AzureCredential, AzureSas, AzureSasRequest } from './types.ts'

/** From this version on, a user delegation SAS signs `skdutid` and `sduoid` as well: 26 lines instead of 24. */
const DELEGATED_USER_SINCE = '2025-07-05'

/** The fields by their query names. Absent ones are empty lines in the string to sign, and not in the token. */
export interface SasFields {
  sv: string
  sr: string
  sp?: string | undefined
  st?: string | undefined
  se?: string | undefined
  si?: string | undefined
  sip?: string | undefined
  spr?: string | undefined
  ses?: string | undefined
  skoid?: string | undefined
  sktid?: string | undefined
  skt?: string | undefined
  ske?: string | undefined
  sks?: string | undefined
  skv?: string | undefined
  saoid?: string | undefined
  suoid?: string | undefined
  scid?: string | undefined
  skdutid?: string | undefined
  sduoid?: string | undefined
  rscc?: string | undefined
  rscd?: string | undefined
  rsce?: string | undefined
  rscl?: string | undefined
  rsct?: string | undefined
}

/**
 * Makes the SAS token of one blob or container. Pure, synchronous.
 *
 * @throws SigningInputError naming the field.
 */
export function azureSas(request: AzureSasRequest): AzureSas {
  checkAzureRequest(request)
  const { credential } = request
  const fields = fieldsOf(request)
  const resource = canonicalizedResource(request.account, request.container, request.blob)
  const time = request.snapshot ?? request.versionId
  const isService = credential.type === 'accountKey'
  const stringToSign = (isService ? serviceStringToSign : userDelegationStringToSign)(fields, resource, time)
  const signature = hmac(keyOf(credential), stringToSign, 'base64')
  return { token: `${tokenOf(fields)}&sig=${encodeURIComponent(signature)}`, stringToSign, signature }
}

/** 16 lines (sv from 2020-12-06, which added `ses`). `time` is the snapshot or the version. */
export function serviceStringToSign(fields: SasFields, resource: string, time: string | undefined): string {
  const { sp, st, se, si, sip, spr, sv, sr, ses, rscc, rscd, rsce, rscl, rsct } = fields
  return lines([sp, st, se, resource, si, sip, spr, sv, sr, time, ses, rscc, rscd, rsce, rscl, rsct])
}

/** 24 lines, or 26 from sv 2025-07-05 on. `time` is the snapshot or the version. */
export function userDelegationStringToSign(
  fields: SasFields,
  resource: string,
  time: string | undefined,
): string {
  const { sp, st, se, skoid, sktid, skt, ske, sks, skv, saoid, suoid, scid, skdutid, sduoid } = fields
  const { sip, spr, sv, sr, ses, rscc, rscd, rsce, rscl, rsct } = fields
  const delegation = lines([sp, st, se, resource, skoid, sktid, skt, ske, sks, skv, saoid, suoid, scid])
  const delegatedUser = sv >= DELEGATED_USER_SINCE ? `${lines([skdutid, sduoid])}\n` : ''
  return `${delegation}\n${delegatedUser}${lines([sip, spr, sv, sr, time, ses, rscc, rscd, rsce, rscl, rsct])}`
}

/** Decoded, unlike everything in the URL. */
export function canonicalizedResource(account: string, container: string, blob: string | undefined): string {
  return blob === undefined ? `/blob/${account}/${container}` : `/blob/${account}/${container}/${blob}`
}

function lines(values: readonly (string | undefined)[]): string {
  let text = values[0] ?? ''
  for (let at = 1; at < values.length; at++) text += `\n${values[at] ?? ''}`
  return text
}

function fieldsOf(request: AzureSasRequest): SasFields {
  const { credential, response } = request
  const key = credential.type === 'userDelegation' ? credential.key : undefined
  return {
    sv: request.version,
    spr: request.protocol,
    st: request.startsAt === undefined ? undefined : extendedTimestamp(request.startsAt),
    se: extendedTimestamp(request.expiresAt),
    sip: request.ipRange,
    si: request.identifier,
    ses: request.encryptionScope,
    skoid: key?.signedObjectId,
    sktid: key?.signedTenantId,
    skt: key?.signedStartsOn,
    ske: key?.signedExpiresOn,
    sks: key?.signedService,
    skv: key?.signedVersion,
    sr: resourceTypeOf(request),
    sp: request.permissions === '' ? undefined : request.permissions,
    rscc: response?.cacheControl,
    rscd: response?.contentDisposition,
    rsce: response?.contentEncoding,
    rscl: response?.contentLanguage,
    rsct: response?.contentType,
    scid: request.correlationId,
  }
}

function resourceTypeOf(request: AzureSasRequest): string {
  if (request.blob === undefined) return 'c'
  if (request.snapshot !== undefined) return 'bs'
  return request.versionId === undefined ? 'b' : 'bv'
}

/** As the official SDK orders them; the service takes any order. */
const TOKEN_ORDER = [
  ...(['sv', 'spr', 'st', 'se', 'sip', 'si', 'ses', 'skoid', 'sktid', 'skt', 'ske', 'sks', 'skv'] as const),
  ...(['sr', 'sp', 'rscc', 'rscd', 'rsce', 'rscl', 'rsct', 'scid'] as const),
]

function tokenOf(fields: SasFields): string {
  let token = ''
  for (const name of TOKEN_ORDER) {
    const value = fields[name]
    if (value !== undefined)
      token += token === '' ? `${name}=${encodeComponent(value)}` : `&${name}=${encodeComponent(value)}`
  }
  return token
}

/**
 * The decoded key of each credential object, made ready. Like the signing keys of SigV4 (see `cachedSigningKey`): not to
 * be observed, one entry a credential, gone with it.
 */
const readyKeys = new WeakMap<AzureCredential, { secret: string; key: HmacKey }>()

function keyOf(credential: AzureCredential): HmacKey {
  const secret = credential.type === 'accountKey' ? credential.accountKey : credential.key.value
  const ready = readyKeys.get(credential)
  if (ready?.secret === secret) return ready.key
  const key = hmacKey(Buffer.from(secret, 'base64'))
  readyKeys.set(credential, { secret, key })
  return key
}
