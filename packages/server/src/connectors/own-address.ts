/** From where this server reaches a bucket, as the store sees it. */
import { connect } from 'node:net'
import type { ConnectorSettings } from '@signpost/contract'
import { plainAddress } from '../domain/network.ts'
import { azureAddress } from './azure/address.ts'
import { gcsAddress } from './gcs/address.ts'
import { isPrivate } from './policies/network-forms.ts'
import { s3Address } from './s3/address.ts'

const connectMs = 2000

export function serviceOrigin(settings: ConnectorSettings): string {
  switch (settings.kind) {
    case 's3':
      return s3Address({ ...settings, endpoint: settings.endpoint }).serviceOrigin
    case 'gcs':
      return gcsAddress(settings).serviceOrigin
    case 'azure':
      return azureAddress(settings).origin
  }
}

/** Null where it cannot be told: there is no connection, or something on the way puts another address in its place. */
export async function ownAddressTowards(origin: string): Promise<string | null> {
  const { hostname, port, protocol } = new URL(origin)
  const ends = await new Promise<{ local: string; remote: string } | null>((resolve) => {
    const host = hostname.replace(/^\[|\]$/g, '')
    const socket = connect({ host, port: Number(port) || (protocol === 'http:' ? 80 : 443) })
    const end = (found: { local: string; remote: string } | null) => {
      socket.destroy()
      resolve(found)
    }
    socket.setTimeout(connectMs, () => end(null))
    socket.once('error', () => end(null))
    socket.once('connect', () => {
      const { localAddress, remoteAddress } = socket
      end(
        localAddress && remoteAddress
          ? { local: plainAddress(localAddress), remote: plainAddress(remoteAddress) }
          : null,
      )
    })
  })
  if (ends === null) return null
  // A private address is not the one that a store on the internet sees.
  return isPrivate(ends.local) && !isPrivate(ends.remote) ? null : ends.local
}
