import { readFile } from 'node:fs/promises'
import { readLogin } from './config-file.ts'
import { UsageError } from './errors.ts'
import type { Io } from './io.ts'
import { readAll } from './prompt.ts'

export interface ServerOptions {
  url?: string
  tokenFile?: string
}

export interface ServerSettings {
  url: string
  /** Undefined: there is an identity token. */
  token?: string | undefined
  /** File with the platform's own token, read anew whenever it is exchanged. */
  identityTokenFile?: string
  /** Where the key comes from, for an error; undefined: it was typed or piped in. */
  tokenFrom?: string | undefined
}

export interface GivenToken {
  token: string
  tokenFrom: string
}

/**
 * Which server, and with which key: options, then environment, then what `login` has kept. A kept key goes to the
 * server that it was kept for, and to no other.
 */
export async function serverSettings(io: Io, options: ServerOptions): Promise<ServerSettings> {
  const named = options.url ?? (io.env['SIGNPOST_URL'] || undefined)
  const given = (await givenToken(io, options)) ?? givenIdentity(io)
  if (named !== undefined && given !== undefined) return { url: checkedUrl(named), ...given }
  const login = await readLogin(io)
  const url = named ?? login?.url
  if (url === undefined)
    throw new UsageError('which server? Run `signpost login`, or set SIGNPOST_URL, or give --url')
  const kept =
    login && originOf(login.url) === originOf(url)
      ? { token: login.token, tokenFrom: '`signpost login`' }
      : undefined
  const found = given ?? kept
  if (found === undefined)
    throw new UsageError(
      `there is no key for ${url}: run \`signpost login\`, or set SIGNPOST_TOKEN or SIGNPOST_IDENTITY_TOKEN_FILE, or give --token-file`,
    )
  return { url: checkedUrl(url), ...found }
}

/** The key that was given for this call; undefined where none was. */
export async function givenToken(io: Io, options: ServerOptions): Promise<GivenToken | undefined> {
  const fromFile = async (file: string, tokenFrom: string) => ({
    token: checkedToken(await readSecretFile(io, file, tokenFrom), tokenFrom),
    tokenFrom,
  })
  if (options.tokenFile !== undefined) return fromFile(options.tokenFile, '--token-file')
  const token = io.env['SIGNPOST_TOKEN']
  if (token) return { token: checkedToken(token, 'SIGNPOST_TOKEN'), tokenFrom: 'SIGNPOST_TOKEN' }
  const file = io.env['SIGNPOST_TOKEN_FILE']
  return file ? fromFile(file, 'SIGNPOST_TOKEN_FILE') : undefined
}

/** What a header cannot hold would look like a server that does not answer. */
function checkedToken(token: string, from: string): string {
  const trimmed = token.trim()
  if (/^[\x21-\x7e]+$/.test(trimmed)) return trimmed
  throw new UsageError(`${from} holds more than an API key: it must be the key and nothing else`)
}

/** What Kubernetes, CI and others give a workload, to be exchanged for an access token by a trust rule of the server. */
function givenIdentity(io: Io): Omit<ServerSettings, 'url'> | undefined {
  const tokenFrom = 'SIGNPOST_IDENTITY_TOKEN_FILE'
  const identityTokenFile = io.env[tokenFrom]
  return identityTokenFile ? { identityTokenFile, tokenFrom } : undefined
}

/** The text of a file, or of standard input for `-`, without the line break at its end. */
export async function readSecretFile(io: Io, file: string, what: string): Promise<string> {
  const text = (file === '-' ? await readAll(io.stdin) : await readFile(file, 'utf8')).replace(/\r?\n$/, '')
  if (text === '') throw new UsageError(`${what}: ${file === '-' ? 'standard input' : file} is empty`)
  return text
}

export function checkedUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) {
    const { username, password, search, hash } = new URL(text)
    if (!username && !password && !search && !hash) return text.replace(/\/+$/, '')
  }
  throw new UsageError('the address of the server must look like https://signpost.example.com')
}

function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).href.replace(/\/+$/, '') : url
}
