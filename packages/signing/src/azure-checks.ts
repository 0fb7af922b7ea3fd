/** What `azureSas` refuses. */

import { checkKey, checkText, checkTime } from './checks.ts'
import { SigningInputError } from './errors.ts'
import { extendedTimestamp } from './timestamps.ts'
import type { AzureSasRequest, UserDelegationKey } from './types.ts'

/** `ses` is signed since; before, the string to sign has another shape. */
const OLDEST_VERSION = '2020-12-06'
/** 2026-04-06 signs request headers and query parameters in addition, which this signer does not write. */
const NEWEST_VERSION = '2025-11-05'
/** The container permission `f`. */
const FILTER_SINCE = '2021-04-10'

const DATE = /^\d{4}-\d{2}-\d{2}$/
const SECOND = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}Z$/
const GUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
const ACCOUNT = /^[a-z0-9]{3,24}$/
const CONTAINER = /^(?:\$root|\$web|\$logs|[a-z0-9](?:-?[a-z0-9])*)$/
const IPV4_RANGE = /^(?:\d{1,3}\.){3}\d{1,3}(?:-(?:\d{1,3}\.){3}\d{1,3})?$/
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
/** Every permission in service order: one out of order is a 403 without an explanation. */
const BLOB_PERMISSIONS = /^r?a?c?w?d?x?t?m?e?i?y?$/
const CONTAINER_PERMISSIONS = /^r?a?c?w?d?x?l?t?m?e?i?y?f?$/

export function checkAzureRequest(request: AzureSasRequest): void {
  const { account, container, blob, version, ipRange } = request
  if (!ACCOUNT.test(account))
    throw new SigningInputError('account', 'must be 3 to 24 lower-case letters and digits')
  if (!CONTAINER.test(container))
    throw new SigningInputError('container', 'must be lower-case letters, digits and single hyphens')
  if (blob !== undefined) checkKey('blob', blob)
  if (!DATE.test(version) || version < OLDEST_VERSION || version > NEWEST_VERSION) {
    throw new SigningInputError(
      'version',
      `must be a service version from ${OLDEST_VERSION} to ${NEWEST_VERSION}`,
    )
  }
  checkPermissions(request)
  checkTime('expiresAt', request.expiresAt)
  if (request.startsAt !== undefined) {
    checkTime('startsAt', request.startsAt)
    if (request.startsAt >= request.expiresAt)
      throw new SigningInputError('startsAt', 'must be before expiresAt')
  }
  if (ipRange !== undefined && !IPV4_RANGE.test(ipRange))
    throw new SigningInputError('ipRange', 'must be one IPv4 address or "a-b"')
  checkTimePoint(request)
  checkOptionalTexts(request)
  if (request.credential.type === 'accountKey') checkServiceSas(request, request.credential.accountKey)
  else checkUserDelegationSas(request, request.credential.key)
}

function checkPermissions({ permissions, blob, identifier, version }: AzureSasRequest): void {
  if (permissions === '' && identifier === undefined)
    throw new SigningInputError('permissions', 'must name at least one permission')
  const [order, letters] =
    blob === undefined ? [CONTAINER_PERMISSIONS, 'racwdxltmeiyf'] : [BLOB_PERMISSIONS, 'racwdxtmeiy']
  if (!order.test(permissions))
    throw new SigningInputError('permissions', `must be letters of "${letters}", each once, in this order`)
  if (permissions.includes('f') && version < FILTER_SINCE) {
    throw new SigningInputError(
      'permissions',
      `hold "f" (find by tags), which needs version ${FILTER_SINCE} or later`,
    )
  }
}

function checkTimePoint({ blob, snapshot, versionId }: AzureSasRequest): void {
  if (snapshot !== undefined && versionId !== undefined)
    throw new SigningInputError('snapshot', 'excludes versionId: give one of them')
  if (blob === undefined && (snapshot ?? versionId) !== undefined)
    throw new SigningInputError('blob', 'is needed with snapshot or versionId')
}

/** A line break would move the fields after it: the string to sign is a list of lines. */
function checkOptionalTexts(request: AzureSasRequest): void {
  const { identifier, encryptionScope, snapshot, versionId, response } = request
  checkLine('identifier', identifier)
  checkLine('encryptionScope', encryptionScope)
  checkLine('snapshot', snapshot)
  checkLine('versionId', versionId)
  if (response === undefined) return
  for (const [name, value] of Object.entries(response)) checkLine(`response.${name}`, value)
}

function checkLine(field: string, value: string | undefined): void {
  if (value === undefined) return
  checkText(field, value)
  if (/[\r\n]/.test(value)) throw new SigningInputError(field, 'must not hold a line break')
}

function checkServiceSas(request: AzureSasRequest, accountKey: string): void {
  if (!BASE64.test(accountKey)) throw new SigningInputError('credential.accountKey', 'must be base64')
  if (request.correlationId !== undefined) {
    throw new SigningInputError(
      'correlationId',
      'is not signed in a service SAS: leave it out, or use a user delegation key',
    )
  }
}

function checkUserDelegationSas(request: AzureSasRequest, key: UserDelegationKey): void {
  const { correlationId, identifier, expiresAt } = request
  if (identifier !== undefined)
    throw new SigningInputError(
      'identifier',
      'works with an account key only: a user delegation SAS has no stored policy',
    )
  if (correlationId !== undefined && !GUID.test(correlationId))
    throw new SigningInputError('correlationId', 'must be a lower-case GUID')
  if (!BASE64.test(key.value)) throw new SigningInputError('credential.key.value', 'must be base64')
  for (const name of ['signedStartsOn', 'signedExpiresOn'] as const) {
    if (!SECOND.test(key[name]))
      throw new SigningInputError(`credential.key.${name}`, 'must be YYYY-MM-DDThh:mm:ssZ')
  }
  for (const name of ['signedObjectId', 'signedTenantId', 'signedService', 'signedVersion'] as const)
    checkLine(`credential.key.${name}`, key[name])
  if (extendedTimestamp(expiresAt) > key.signedExpiresOn) {
    throw new SigningInputError(
      'expiresAt',
      'is after the user delegation key ends: the SAS would die before its time',
    )
  }
}
