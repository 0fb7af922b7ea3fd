/** The log: JSON lines on standard error. */
import { pino, type DestinationStream, type Logger } from 'pino'

const waitingBytesMax = 256 * 1024

/**
 * Standard error, written at once. What cannot be written (its disk is full) waits for the next line, so far as there is room: that
 * a log is lost must not end the server, which says by its answers what is wrong.
 */
export function openLogOutput(fd = 2): DestinationStream {
  const output = pino.destination({ fd, sync: true, maxLength: waitingBytesMax })
  output.on('error', () => undefined)
  return output
}

/** Follows so many causes of an error. */
const causesMax = 5

export function createLog(level: string, destination: DestinationStream): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: {
        err: (error: unknown) => shownError(error, causesMax),
        cause: (message: unknown) => withoutSecrets(String(message)),
      },
      redact: ['headers', '*.headers', 'token', '*.token', 'authorization', '*.authorization'],
    },
    destination,
  )
}

/** Only these: the errors of SDKs also carry the request that failed, with its headers and its signed address. */
function shownError(error: unknown, causesLeft: number): object {
  if (!(error instanceof Error)) return { message: withoutSecrets(String(error)) }
  return {
    type: error.name,
    message: withoutSecrets(error.message),
    ...('code' in error ? { code: String(error.code) } : {}),
    stack: withoutSecrets(error.stack ?? ''),
    ...(error.cause === undefined || causesLeft === 0
      ? {}
      : { cause: shownError(error.cause, causesLeft - 1) }),
  }
}

/** What makes a URL or a header live, wherever a library may have put one into its message. */
function withoutSecrets(text: string): string {
  return text
    .replaceAll(/\b((?:X-(?:Amz|Goog)-(?:Signature|Security-Token|Credential)|sig)=)[^&\s"']+/gi, '$1[cut]')
    .replaceAll(/\bs[pstl]_[0-9a-z]{12}_[A-Za-z0-9_-]+/g, '[API key]')
    .replaceAll(/(\/\/[^/\s:@]+:)[^/\s@]+@/g, '$1[cut]@')
    .replaceAll(/\b(Bearer|SharedKey) +[^\s"']+/gi, '$1 [cut]')
}
