/**
 * Loaded into Azurite before its own code (`node --require`), this makes three checks that Azure makes and Azurite leaves out:
 *
 * - `scid` is part of the string to sign of a user delegation SAS from sv 2020-02-10 on ("Create a user delegation SAS",
 *   signedCorrelationId). Azurite signs an empty line there, so it takes any scid and refuses every honest one.
 * - `sip` limits the address that a request comes from ("Create a service SAS", signedIp). Azurite never looks at it.
 * - A bearer token must be signed: here with AZURITE_TOKEN_SECRET (HS256). Azurite reads the claims of any token.
 *
 * Written for Azurite 3.35.0's internal modules, whose version is pinned in package.json.
 */
'use strict'
const { createHmac, timingSafeEqual } = require('node:crypto')
const path = require('node:path')

const manifest = require.resolve('azurite/package.json', { paths: [path.dirname(process.argv[1])] })
const azurite = (file) => require(path.join(path.dirname(manifest), 'dist/src/blob', file))
const signatures = azurite('authentication/IBlobSASSignatureValues.js')
const SasAuthenticator = azurite('authentication/BlobSASAuthenticator.js').default
const TokenAuthenticator = azurite('authentication/BlobTokenAuthenticator.js').default
const Errors = azurite('errors/StorageErrorFactory.js').default

/** Position of signedCorrelationId among the lines of the string to sign, the same in every layout that has it. */
const correlationIdLine = 12

const readValues = SasAuthenticator.prototype.getBlobSASSignatureValuesFromRequest
SasAuthenticator.prototype.getBlobSASSignatureValuesFromRequest = function (request, ...rest) {
  const values = readValues.call(this, request, ...rest)
  if (!values) return values
  values.correlationId = request.getQuery('scid') || ''
  const range = request.getQuery('sip')
  if (range && !isWithin(range, request.req.socket.remoteAddress)) {
    throw Errors.getAuthorizationSourceIPMismatch(rest.at(-1)?.contextId ?? '')
  }
  return values
}

const signWithDelegationKey = signatures.generateBlobSASSignatureWithUDK
signatures.generateBlobSASSignatureWithUDK = (values, resource, account, key) => {
  const [signature, stringToSign] = signWithDelegationKey(values, resource, account, key)
  if (!values.correlationId || values.version < '2020-02-10') return [signature, stringToSign]
  const lines = stringToSign.split('\n')
  lines[correlationIdLine] = values.correlationId
  const strict = lines.join('\n')
  return [createHmac('sha256', key).update(strict, 'utf8').digest('base64'), strict]
}

const readToken = TokenAuthenticator.prototype.authenticateBasic
TokenAuthenticator.prototype.authenticateBasic = async function (token, context) {
  const [header = '', claims = '', signature = ''] = token.split('.')
  const secret = process.env.AZURITE_TOKEN_SECRET ?? ''
  const expected = createHmac('sha256', secret).update(`${header}.${claims}`).digest()
  const given = Buffer.from(signature, 'base64url')
  if (secret === '' || given.length !== expected.length || !timingSafeEqual(given, expected)) {
    throw Errors.getAuthenticationFailed(context.contextId, 'Signature validation failed.')
  }
  return readToken.call(this, token, context)
}

/** `a.b.c.d` or `a.b.c.d-e.f.g.h`, both ends included. */
function isWithin(range, address) {
  const [first, last = first] = range.split('-').map(numberOf)
  const number = numberOf(address)
  return number >= first && number <= last
}

function numberOf(address) {
  const bytes = String(address)
    .replace(/^::ffff:/, '')
    .split('.')
    .map(Number)
  const valid =
    bytes.length === 4 && bytes.every((byte) => Number.isInteger(byte) && byte >= 0 && byte <= 255)
  return valid ? bytes.reduce((sum, byte) => sum * 256 + byte, 0) : NaN
}
