/** What belongs together in a sink: its kind, its settings and its secrets. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { SignpostError, type AuditSinkSettings } from '@signpost/contract'
import type { SinkSecrets } from '../../sinks/index.ts'

/** Throws `invalid`, naming the field. */
export function requireSinkParts(settings: AuditSinkSettings, secrets: SinkSecrets): void {
  const { kind } = settings
  if (secrets.signing !== undefined && kind !== 'webhook') refuse('secrets.signing', 'is for a webhook')
  if (secrets.headers !== undefined && kind !== 'webhook' && kind !== 'otlp')
    refuse('secrets.headers', 'are for a webhook or OTLP')
  if (secrets.clientKey !== undefined && kind !== 'syslog') refuse('secrets.clientKey', 'is for syslog')
  if (kind === 'files' && settings.format === 'parquet' && settings.shape !== 'plain')
    refuse('settings.shape', 'Parquet is always plain')
  if ((kind === 'webhook' || kind === 'otlp') && !settings.allowInternal && settings.url.startsWith('http:'))
    refuse('settings.url', 'must be https, unless allowInternal is set')
  if (kind !== 'syslog') return
  requireCertificate('settings.ca', settings.ca)
  requireCertificate('settings.certificate', settings.certificate)
  if ((settings.certificate === undefined) !== (secrets.clientKey === undefined))
    refuse('settings.certificate', 'takes secrets.clientKey, and the other way round: give both or neither')
  if (settings.certificate !== undefined && secrets.clientKey !== undefined)
    requirePair(settings.certificate, secrets.clientKey)
}

/** What one receiver knows us by is not sent to another because only the address was changed. */
export function requireSameReceiver(
  before: AuditSinkSettings,
  after: AuditSinkSettings,
  { headers = {} }: SinkSecrets,
): void {
  if (!('url' in before) || !('url' in after) || Object.keys(headers).length === 0) return
  if (new URL(before.url).origin !== new URL(after.url).origin)
    refuse('secrets.headers', 'were for another address: give them anew')
}

function requireCertificate(field: string, pem: string | undefined): void {
  if (pem !== undefined && certificateOf(pem) === undefined)
    refuse(field, 'holds no certificate that can be read')
}

function requirePair(certificate: string, key: string): void {
  let isPair = false
  try {
    isPair = certificateOf(certificate)?.checkPrivateKey(createPrivateKey(key)) ?? false
  } catch {
    refuse('secrets.clientKey', 'is no private key that can be read without a passphrase')
  }
  if (!isPair) refuse('secrets.clientKey', 'is not the key of settings.certificate')
}

/** The first of them. */
function certificateOf(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined
  }
}

function refuse(field: string, why: string): never {
  throw new SignpostError('invalid', `${field}: ${why}.`, { field })
}
