import type { createHttpServer } from './http/server.ts'

/** Where this process itself reaches a server that listens. */
export function listeningUrl({ server }: ReturnType<typeof createHttpServer>): string {
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('the server listens nowhere')
  // Nobody can connect to "every address".
  const reachable = bound.address === '0.0.0.0' ? '127.0.0.1' : bound.address === '::' ? '::1' : bound.address
  const scheme = 'setSecureContext' in server ? 'https' : 'http'
  return `${scheme}://${reachable.includes(':') ? `[${reachable}]` : reachable}:${bound.port}`
}
