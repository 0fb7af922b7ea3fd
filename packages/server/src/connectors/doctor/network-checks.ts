/** From this server to the store: name, connection, certificate. */

import { lookup } from 'node:dns/promises'
import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, type TLSSocket } from 'node:tls'
import type { DoctorCheck } from './check.ts'
import { fail, pass, unseen, warn, type Finding } from './finding.ts'
import type { Patient } from './patient.ts'

const CONNECT_MS = 5_000
const DAY_MS = 86_400_000
const CERTIFICATE_DAYS = 14

export const networkChecks: readonly DoctorCheck[] = [
  {
    name: 'address.bucket_name',
    means: 'The store cannot address a bucket of this name.',
    mends: 'Choose a bucket whose name fits the rules that the finding cites.',
    run: ({ kind, settings }) => kind.nameProblem(settings) ?? pass('The name can be addressed.'),
  },
  {
    name: 'address.clients',
    means:
      'Signed URLs hold a name that only this network knows (such as a container name): clients elsewhere cannot use them.',
    mends: 'Connect the address that clients use, or name it as an audience beside the inner one.',
    run: ({ kind, settings }) => {
      const { hostname } = new URL(kind.address(settings).origin)
      if (isLoopback(hostname)) return pass('It is on this machine: clients here reach it.')
      if (
        hostname.includes('.') ||
        isIP(hostname.replace(/^\[|\]$/g, '')) !== 0 ||
        settings.audiences?.length
      )
        return pass('It does not look like a name of one network alone.')
      return warn(
        `${hostname} is a name that clients outside this network do not know.`,
        'give the connector an audience with the address that clients use',
      )
    },
  },
  {
    name: 'dns.service',
    means: "The endpoint's host has no address in DNS, as this server sees it.",
    mends: 'Correct the endpoint, region or account, or the name server.',
    run: (patient) => {
      const { origin, serviceHost } = addressOf(patient)
      return resolves(serviceHost ?? new URL(origin).hostname, 'correct the endpoint, region or account')
    },
  },
  {
    name: 'dns.bucket_host',
    means: 'The host of the bucket (`bucket.host`, virtual-hosted addressing) has no address in DNS.',
    mends:
      'Make a wildcard DNS record for the endpoint, or set the addressing to `path` if the store takes it.',
    needs: ['dns.service'],
    run: (patient) => {
      const { origin, serviceHost } = addressOf(patient)
      if (serviceHost === undefined)
        return pass('The bucket stands in the path: it needs no name of its own.')
      const fix = 'make a wildcard DNS record below the endpoint, or set addressing to path'
      return resolves(new URL(origin).hostname, fix)
    },
  },
  {
    name: 'net.connect',
    means: 'No connection to the store: nobody listens there, or a firewall drops it.',
    mends: 'Correct the endpoint and its port, start the store, or let this server through.',
    needs: ['dns.bucket_host'],
    run: connects,
  },
  {
    name: 'tls.used',
    means: 'Objects and signed URLs travel in the clear: whoever listens can use the URLs.',
    mends: 'Give the store a certificate, and connect it as `https://`.',
    run: (patient) => {
      const { protocol, hostname } = new URL(addressOf(patient).origin)
      if (protocol === 'https:') return pass('https.')
      if (isLoopback(hostname)) return pass('http, but on this machine alone.')
      return warn(
        `Objects and signed URLs go to ${hostname} in the clear.`,
        'give the store a certificate, and connect it again with an https endpoint',
      )
    },
  },
  {
    name: 'tls.lasts',
    means: 'The certificate of the store has expired, or does within 14 days.',
    mends: 'Renew it.',
    needs: ['net.connect'],
    run: (patient) => withCertificate(patient, lasts, () => unseen('No certificate came.')),
  },
  {
    name: 'tls.trusted',
    means:
      'This server does not trust the certificate of the store, or it is for another host. Browsers will not either.',
    mends:
      'Get one from an authority that clients trust; for a private authority set NODE_EXTRA_CA_CERTS here and at the clients.',
    needs: ['net.connect'],
    run: (patient) => withCertificate(patient, trusted, (seen) => fail(seen, 'is the endpoint http?')),
  },
]

function addressOf({ kind, settings }: Patient) {
  return kind.address(settings)
}

async function resolves(host: string, fix: string): Promise<Finding> {
  const name = host.replace(/^\[|\]$/g, '').replace(/:\d+$/, '')
  if (isIP(name) !== 0) return pass(`${name} is an address.`)
  try {
    const { address } = await lookup(name)
    return pass(`${name} is ${address}.`)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'no address'
    return fail(`${name} is not found in DNS (${code}).`, fix)
  }
}

async function connects(patient: Patient): Promise<Finding> {
  const { host } = new URL(addressOf(patient).origin)
  try {
    const socket = await opened(patient)
    const address = socket.localAddress ?? ''
    socket.destroy()
    return pass(`${host} takes connections (from ${address}).`)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'ETIMEDOUT'
    return fail(
      `${host} takes no connection (${code}).`,
      code === 'ECONNREFUSED'
        ? 'is the endpoint right, and the store running?'
        : 'check the endpoint, the route and firewalls',
    )
  }
}

/** The address that this machine has towards the store. */
export function localAddressOf(patient: Patient): Promise<string> {
  return patient.once('local address', async () => {
    const socket = await opened(patient)
    const address = socket.localAddress ?? ''
    socket.destroy()
    return address
  })
}

function opened(patient: Patient): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectTcp({ ...hostAndPort(addressOf(patient).origin), timeout: CONNECT_MS })
    socket.once('connect', () => resolve(socket))
    socket.once('timeout', () => {
      socket.destroy()
      reject(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' }))
    })
    socket.once('error', reject)
  })
}

function hostAndPort(origin: string): { host: string; port: number } {
  const { hostname, port, protocol } = new URL(origin)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (protocol === 'https:' ? 443 : 80)) }
}

interface Certificate {
  endsAt: number
  /** Why it is not trusted, in OpenSSL's word; null: it is. */
  fault: string | null
}

async function withCertificate(
  patient: Patient,
  look: (certificate: Certificate, now: number) => Finding,
  without: (seen: string) => Finding,
): Promise<Finding> {
  const { origin } = addressOf(patient)
  if (origin.startsWith('http:')) return unseen('The endpoint is http: there is no certificate.')
  try {
    return look(await patient.once('certificate', () => certificateOf(origin)), patient.deps.clock())
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'no handshake'
    return without(`There is no TLS at ${new URL(origin).host} (${code}).`)
  }
}

function certificateOf(origin: string): Promise<Certificate> {
  const { host, port } = hostAndPort(origin)
  return new Promise((resolve, reject) => {
    // Looked at, and nothing is sent: what does not hold is a finding.
    const socket: TLSSocket = connectTls(
      {
        host,
        port,
        rejectUnauthorized: false,
        timeout: CONNECT_MS,
        ...(isIP(host) ? {} : { servername: host }),
      },
      () => {
        const { valid_to } = socket.getPeerCertificate()
        const { authorizationError: why } = socket as { authorizationError: unknown }
        resolve({
          endsAt: Date.parse(valid_to),
          fault: why ? faultOf(why) : null,
        })
        socket.destroy()
      },
    )
    socket.once('timeout', () => socket.destroy(Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' })))
    socket.once('error', reject)
  })
}

/** Node gives OpenSSL's word, or an error with one. */
function faultOf(why: unknown): string {
  if (typeof why === 'string') return why
  return (why as { code?: string }).code ?? 'not trusted'
}

function lasts({ endsAt }: Certificate, now: number): Finding {
  const days = Math.floor((endsAt - now) / DAY_MS)
  const until = new Date(endsAt).toISOString().slice(0, 10)
  if (endsAt <= now) return fail(`The certificate expired on ${until}.`, 'renew the certificate of the store')
  if (days >= CERTIFICATE_DAYS) return pass(`The certificate is good until ${until}.`)
  return warn(`The certificate expires on ${until}.`, 'renew the certificate of the store')
}

function trusted({ fault }: Certificate): Finding {
  if (fault === null) return pass('The certificate is trusted, and names the host.')
  if (fault === 'CERT_HAS_EXPIRED') return pass('But for its end, the certificate is trusted.')
  return fail(
    `The certificate is not trusted (${fault.replaceAll(/[^\w ]/g, '').slice(0, 64)}).`,
    fault === 'ERR_TLS_CERT_ALTNAME_INVALID'
      ? 'get a certificate that names this host; for virtual-hosted buckets it takes a wildcard'
      : 'get one from a public authority, or name the private one in NODE_EXTRA_CA_CERTS, here and at every client',
  )
}

export function isLoopback(hostname: string): boolean {
  return /^(?:localhost|.*\.localhost|127(?:\.\d+){3}|\[?::1\]?)$/.test(hostname)
}
