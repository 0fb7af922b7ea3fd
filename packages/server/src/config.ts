/** Every setting of the server: one schema, from environment variables to `Config`. */
import { SignpostError } from '@signpost/contract'
import { z } from 'zod'
import {
  addressRange,
  ed25519Key,
  ed25519KeyOrLost,
  flag,
  integer,
  list,
  masterKey,
  origin,
  path,
  port,
} from './config-values.ts'
import { nearest } from './nearest-name.ts'

/** Names, rules, defaults and descriptions. Defaults are written as one would write them in the environment. */
export const Environment = z.object({
  SIGNPOST_DATA_DIR: path
    .default('./data')
    .describe('Folder for everything that the server keeps on disk; made with mode 0700'),
  SIGNPOST_HOST: z.string().min(1).max(255).default('127.0.0.1').describe('Address to listen on'),
  SIGNPOST_PORT: port.prefault('8787').describe('Port to listen on; 0: any free one'),
  SIGNPOST_PUBLIC_URL: origin
    .optional()
    .describe(
      'Origin under which browsers reach this server: logins come back to it, and cookies are for it alone. Unset: the address that it listens on',
    ),
  SIGNPOST_DATABASE_URL: z
    .string()
    .refine((url) => /^postgres(ql)?:\/\//.test(url) && URL.canParse(url), 'must be a postgres:// URL')
    .optional()
    .describe('PostgreSQL; unset: SQLite in the data folder'),
  SIGNPOST_MASTER_KEY: masterKey
    .optional()
    .describe(
      'Key that seals bucket credentials in the database: base64 of 32 random bytes. Unset: made on first start, in `master-key` in the data folder',
    ),
  SIGNPOST_MASTER_KEY_PREVIOUS: masterKey
    .optional()
    .describe(
      'The master key before this one, while `signpost secrets rotate` has not sealed everything anew: opens what it sealed, and seals nothing',
    ),
  SIGNPOST_SECRETS_DIR: path
    .optional()
    .describe(
      'Folder below which connectors may refer to files (`{"file": "bucket/key"}`), such as mounted Kubernetes secrets; read again every few seconds. Unset: such references are refused',
    ),
  SIGNPOST_ADMIN_TOKEN: z
    .string()
    .regex(
      /^sp_[0-9a-hjkmnp-tv-z]{12}_[A-Za-z0-9_-]{43}$/,
      'must be `sp_`, 12 of 0-9 and a-z without i, l, o and u, `_`, and 43 random characters of A-Z a-z 0-9 _ -',
    )
    .optional()
    .describe(
      'API key of the first organisation admin, in the form of an API key: `sp_<12>_<43>`. Unset: made on first start, in `admin-token` in the data folder. Used on an empty database only',
    ),
  SIGNPOST_LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'])
    .default('info')
    .describe('The log is JSON lines on standard error; `debug` has one for each request'),
  SIGNPOST_LOCAL_STORE: z
    .enum(['on', 'off'])
    .default('on')
    .describe('The embedded store on disk, for first runs and small self-hosting'),
  SIGNPOST_LOCAL_STORE_PORT: integer(1, 65_535)
    .prefault('8788')
    .describe(
      'Port of the embedded store, on the address of SIGNPOST_HOST; the connector `local` keeps the one that it was made with',
    ),
  SIGNPOST_LOCAL_STORE_URL: origin
    .optional()
    .describe(
      'Origin under which clients reach the embedded store, where that is not the address that it listens on; used on the first start',
    ),
  SIGNPOST_TLS_CERT_FILE: path.optional().describe('Certificate chain, PEM; read again on SIGHUP'),
  SIGNPOST_TLS_KEY_FILE: path.optional().describe("The certificate's private key, PEM; read again on SIGHUP"),
  SIGNPOST_TRUSTED_PROXIES: list(addressRange)
    .prefault('')
    .describe(
      'Addresses and CIDR ranges of proxies whose X-Forwarded-For is believed, separated by commas. Empty: nobody is believed',
    ),
  SIGNPOST_CORS_ORIGINS: list(origin)
    .prefault('')
    .describe('Origins whose pages may call the API, separated by commas. Empty: none'),
  SIGNPOST_RATE_LIMIT_PER_MINUTE: integer(0, 1e9)
    .prefault('60000')
    .describe(
      'Requests of one user or service account in a minute, by all its API keys together, in each process; 0: no limit',
    ),
  SIGNPOST_RATE_LIMIT_FAILED_AUTH_PER_MINUTE: integer(0, 1e9)
    .prefault('60')
    .describe(
      'Failed authentications of one address in a minute that are answered as such, further ones with 429; 0: no limit. A valid key is never turned away by it. The first 20 are recorded one by one, the others counted',
    ),
  SIGNPOST_BODY_BYTES_MAX: integer(1024, 1e9)
    .prefault('1048576')
    .describe(
      'Largest request body, bytes; a batch of URLs may have eight times as much, and a log file that is handed in is not held to it',
    ),
  SIGNPOST_CONNECTIONS_MAX: integer(1, 1e6).prefault('10000').describe('Open connections at most'),
  SIGNPOST_REQUEST_SECONDS_MAX: integer(1, 3600)
    .prefault('60')
    .describe('How long a client may take to send one whole request'),
  SIGNPOST_DRAIN_SECONDS: integer(0, 3600)
    .prefault('20')
    .describe('How long running requests may take to finish when the server is told to stop'),
  SIGNPOST_METRICS_PUBLIC: flag
    .prefault('false')
    .describe(
      'true: /metrics for everybody; false: with an API key that may read the audit trail of the organisation (`audit.read`)',
    ),
  SIGNPOST_READ_SECONDS_DEFAULT: integer(1, 604_800)
    .prefault('3600')
    .describe('Life of a URL to read when the client asks for none'),
  SIGNPOST_READ_SECONDS_MAX: integer(1, 604_800).prefault('3600').describe('Longest life of a URL to read'),
  SIGNPOST_WRITE_SECONDS_DEFAULT: integer(1, 604_800)
    .prefault('86400')
    .describe('Life of a URL to write when the client asks for none'),
  SIGNPOST_WRITE_SECONDS_MAX: integer(1, 604_800)
    .prefault('86400')
    .describe('Longest life of a URL to write'),
  SIGNPOST_UPLOAD_SECONDS_MAX: integer(60, 31_536_000)
    .prefault('604800')
    .describe('Life of an upload that nobody completes; then its parts are dropped'),
  SIGNPOST_API_KEY_SECONDS_MAX: integer(0, 316_224_000)
    .prefault('0')
    .describe(
      'Longest life of an API key, and that of a key that is made without one; 0: keys need not expire. Keys that are there stay as they are',
    ),
  SIGNPOST_DOCTOR_HOURS: integer(0, 8760)
    .prefault('24')
    .describe('How often the doctor looks at each connected bucket again, in hours; 0: only when asked'),
  SIGNPOST_LOGS_DIR: path
    .optional()
    .describe(
      'Folder below which log sources may name files, folders and sockets of this server. Unset: such sources are refused',
    ),
  SIGNPOST_LOGS_INTERVAL_SECONDS: integer(0, 86_400)
    .prefault('60')
    .describe('How often log sources are looked at for something new, in seconds; 0: only when asked'),
  SIGNPOST_SINKS_INTERVAL_SECONDS: integer(0, 3600)
    .prefault('5')
    .describe(
      'How often is looked what audit sinks are still to get, in seconds; 0: this process sends nothing',
    ),
  SIGNPOST_CHECKPOINT_MINUTES: integer(0, 1440)
    .prefault('10')
    .describe(
      'How often a checkpoint of the audit trail is signed, where anything was recorded since the one before; 0: only when asked and when the server ends',
    ),
  SIGNPOST_CHECKPOINT_KEY: ed25519Key
    .optional()
    .describe(
      'Key that signs checkpoints: Ed25519, PEM (`openssl genpkey -algorithm ed25519`). Unset: made on first start, and kept in the database, sealed with the master key',
    ),
  SIGNPOST_CHECKPOINT_KEY_PREVIOUS: ed25519KeyOrLost
    .optional()
    .describe(
      'The key given before this one: signs the checkpoint that announces the new one. `lost`: nobody has it; go on without announcement, which verifying with the old key shows',
    ),
  SIGNPOST_TEAM_ADMINS_MAY_SET_ENDPOINTS: flag
    .prefault('false')
    .describe(
      'true: team admins, not only organisation admins, may connect buckets at endpoints of their choice',
    ),
})

/** The parsed settings, under their own names. */
export type Config = z.output<typeof Environment>
export type Name = keyof typeof Environment.shape

/** Variables of the clients, which may stand in the same environment. */
const clientNames = ['SIGNPOST_URL', 'SIGNPOST_TOKEN', 'SIGNPOST_TOKEN_FILE', 'SIGNPOST_IDENTITY_TOKEN_FILE']

/** These can also come from a file, by the name with `_FILE`. */
export const secretNames: readonly Name[] = [
  'SIGNPOST_DATABASE_URL',
  'SIGNPOST_MASTER_KEY',
  'SIGNPOST_MASTER_KEY_PREVIOUS',
  'SIGNPOST_ADMIN_TOKEN',
  'SIGNPOST_CHECKPOINT_KEY',
  'SIGNPOST_CHECKPOINT_KEY_PREVIOUS',
]
/** Secrets of buckets, that connectors refer to by name: `{"env": "SIGNPOST_SECRET_..."}`. Not looked at here. */
const secretVariable = /^SIGNPOST_SECRET_[A-Z0-9_]+$/

export function secretVariables(
  env: Readonly<Record<string, string | undefined>>,
): Readonly<Record<string, string | undefined>> {
  return Object.fromEntries(Object.entries(env).filter(([name]) => secretVariable.test(name)))
}
export const settingNames = Object.keys(Environment.shape) as Name[]

/**
 * All problems at once, by name and rule, never by value: throws one `invalid`. `readText` reads the files that
 * `*_FILE` variables name.
 */
export function parseConfig(
  env: Readonly<Record<string, string | undefined>>,
  readText: (file: string) => string,
): Config {
  const problems = unknownNames(env)
  const given: Record<string, string> = {}
  for (const name of settingNames) {
    const value = env[name] || undefined
    const file = secretNames.includes(name) ? env[`${name}_FILE`] || undefined : undefined
    if (value !== undefined && file !== undefined)
      problems.push(`${name} and ${name}_FILE: give one of the two`)
    if (value !== undefined) given[name] = value
    else if (file !== undefined) {
      try {
        given[name] = readText(file).trim()
      } catch (error) {
        problems.push(`${name}_FILE: the file cannot be read (${codeOf(error)})`)
      }
    }
  }
  const result = Environment.safeParse(given)
  for (const issue of result.error?.issues ?? []) problems.push(`${String(issue.path[0])}: ${ruleOf(issue)}`)
  if (result.data) problems.push(...contradictions(result.data))
  if (problems.length > 0 || !result.data)
    throw new SignpostError(
      'invalid',
      `The configuration is not valid.\n${problems.map((line) => `  ${line}`).join('\n')}`,
    )
  return result.data
}

function unknownNames(env: Readonly<Record<string, string | undefined>>): string[] {
  const known = [...settingNames, ...secretNames.map((name) => `${name}_FILE`), ...clientNames]
  return Object.keys(env)
    .filter((name) => name.startsWith('SIGNPOST_') && !known.includes(name) && !secretVariable.test(name))
    .map((name) => `${name}: there is no such setting; did you mean ${nearest(name, known)}?`)
}

/** What no field can see alone. */
function contradictions(config: Config): string[] {
  const problems: string[] = []
  if ((config.SIGNPOST_TLS_CERT_FILE === undefined) !== (config.SIGNPOST_TLS_KEY_FILE === undefined))
    problems.push('SIGNPOST_TLS_CERT_FILE and SIGNPOST_TLS_KEY_FILE: give both or neither')
  for (const action of ['READ', 'WRITE'] as const)
    if (config[`SIGNPOST_${action}_SECONDS_DEFAULT`] > config[`SIGNPOST_${action}_SECONDS_MAX`])
      problems.push(
        `SIGNPOST_${action}_SECONDS_DEFAULT: must not be more than SIGNPOST_${action}_SECONDS_MAX`,
      )
  if (
    config.SIGNPOST_LOCAL_STORE === 'on' &&
    config.SIGNPOST_PORT !== 0 &&
    config.SIGNPOST_PORT === config.SIGNPOST_LOCAL_STORE_PORT
  )
    problems.push('SIGNPOST_LOCAL_STORE_PORT: must not be the port of SIGNPOST_PORT')
  return problems
}

/** Zod says the rule and never the value; only its opening words are of no use here. */
function ruleOf(issue: z.core.$ZodIssue): string {
  return issue.code === 'invalid_value' && issue.values.length > 2
    ? `must be one of ${issue.values.map(String).join(', ')}`
    : issue.message
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unreadable'
}
