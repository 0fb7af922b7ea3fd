/**
 * Syslog over TLS, RFC 5425. Syslog has no acknowledgement: each batch goes over a connection of its own, and counts as
 * delivered when the receiver has closed it after us in order (§4.4), which it does when it has read all of it.
 */
import { isIP } from 'node:net'
import { checkServerIdentity, connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import { isInternalAddress } from '../domain/internal-address.ts'
import { syslogFrame, syslogMessage } from './syslog-message.ts'
import {
  delivered,
  type Delivery,
  type SettingsOf,
  type SinkBatch,
  type SinkDeps,
  type SinkSecrets,
} from './types.ts'

/** For all of it, from the first packet to the last. */
const timeoutMs = 15_000

export async function sendSyslog(
  deps: SinkDeps,
  settings: SettingsOf<'syslog'>,
  secrets: SinkSecrets,
  { events }: SinkBatch,
): Promise<Delivery> {
  const { host, port, shape } = settings
  const place = `${host}:${port}`
  const failed = (why: string): Delivery => ({ ok: false, problem: `${place} ${why}.` })
  const found = await addressOf(deps, settings)
  if ('problem' in found) return failed(found.problem)
  const text = events.map((event) => syslogFrame(syslogMessage(event, shape))).join('')
  try {
    await sendOver(connectionOf(settings, secrets, found.address), text)
    return delivered
  } catch (error) {
    return failed(reasonOf(error))
  }
}

/** The address that was looked at is the one that is connected to. */
async function addressOf(
  { lookup }: SinkDeps,
  { host, allowInternal }: SettingsOf<'syslog'>,
): Promise<{ address: string } | { problem: string }> {
  let all: readonly { address: string }[]
  try {
    all = isIP(host) === 0 ? await lookup(host) : [{ address: host }]
  } catch {
    return { problem: 'is not known to DNS' }
  }
  if (!allowInternal && all.some(({ address }) => isInternalAddress(address)))
    return { problem: 'has an internal address, which is reached only where allowInternal is set' }
  const [first] = all
  return first ?? { problem: 'has no address' }
}

function connectionOf(
  { host, port, serverName, ca, certificate }: SettingsOf<'syslog'>,
  { clientKey }: SinkSecrets,
  address: string,
): ConnectionOptions {
  const name = serverName ?? host
  return {
    host: address,
    port,
    // Server Name Indication takes no addresses (RFC 6066 §3); `name` is still what the certificate must be for.
    ...(isIP(name) === 0 ? { servername: name } : { servername: '' }),
    checkServerIdentity: (_, seen) => checkServerIdentity(name, seen),
    minVersion: 'TLSv1.2',
    ...(ca === undefined ? {} : { ca }),
    ...(certificate === undefined || clientKey === undefined ? {} : { cert: certificate, key: clientKey }),
  }
}

function sendOver(options: ConnectionOptions, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket: TLSSocket = connect(options)
    const timer = setTimeout(() => socket.destroy(new Error('timeout')), timeoutMs)
    let isDone = false
    // Sends its end after all of it, and waits for the other side's.
    socket.once('secureConnect', () => socket.end(text))
    socket.once('end', () => void (isDone = socket.writableFinished))
    socket.on('error', reject)
    socket.once('close', () => {
      clearTimeout(timer)
      if (isDone) resolve()
      else reject(new Error('closed early'))
    })
    // Whatever it says is of no interest, but its end is.
    socket.resume()
  })
}

/** Words of our own: what OpenSSL says may hold parts of a certificate. */
function reasonOf(error: unknown): string {
  const { code = '', message } = error as NodeJS.ErrnoException
  if (message === 'timeout') return `did not take it in ${timeoutMs / 1000} seconds`
  if (message === 'closed early') return 'closed the connection before all was sent'
  if (code === 'ECONNREFUSED') return 'refuses connections'
  if (code === 'ECONNRESET' || code === 'EPIPE') return 'broke off the connection'
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'shows a certificate for another name: see serverName'
  if (/CERT|SIGNED|ISSUER|CRL/.test(code)) return `shows a certificate that is not trusted (${code}): see ca`
  if (/^ERR_SSL|^ERR_TLS|^ERR_OSSL/.test(code)) return `and Signpost found no way to talk TLS (${code})`
  return `cannot be reached${/^E[A-Z_0-9]+$/.test(code) ? ` (${code})` : ''}`
}
