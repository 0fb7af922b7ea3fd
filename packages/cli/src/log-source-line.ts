/** A log source as the command line that makes it. */
import type { LoggingWay } from '@signpost/contract'
import { shellQuoted } from './text.ts'

export function logSourceLine({ name, connector, format, settings }: LoggingWay['sources'][number]): string {
  const words = ['signpost', 'logs', 'source', 'add', name]
  if (connector !== null) words.push('--connector', connector)
  switch (settings.kind) {
    case 'bucket':
      words.push('--bucket', settings.reader, '--prefix', settings.prefix)
      if (settings.layout !== 'folders') words.push('--layout', settings.layout)
      break
    case 'http':
      words.push('--http')
      if (settings.pubsub)
        words.push(
          '--pubsub-audience',
          settings.pubsub.audience,
          '--pubsub-account',
          settings.pubsub.serviceAccount,
        )
      break
    case 'ceph':
      words.push('--ceph', settings.path)
      if (settings.how === 'socket') words.push('--socket')
      break
    case 'folder':
      words.push('--folder', settings.path)
      break
    case 'local-store':
      words.push('--local-store')
      break
    case 'upload':
      words.push('--upload')
  }
  return [...words, '--format', format].map(shellQuoted).join(' ')
}
