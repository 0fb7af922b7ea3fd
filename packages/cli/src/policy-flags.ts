/** The policy of a connector or a team, by options. What is not named stays as it is. */
import { InvalidArgumentError, type Command } from 'commander'
import type { Policy } from '@signpost/contract'
import type { Context } from './context.ts'
import { UsageError } from './errors.ts'
import type { Io } from './io.ts'
import { parseDuration } from './parse.ts'
import { readSecretFile } from './server-settings.ts'
import { printableLine } from './text.ts'

export interface PolicyFlags {
  /** `--no-network` makes it false. */
  network?: string[] | false
  /** Seconds; none: takes its own away. */
  readDefault?: number | 'none'
  readMax?: number | 'none'
  writeDefault?: number | 'none'
  writeMax?: number | 'none'
  policyFile?: string
}

const times = ['readDefault', 'readMax', 'writeDefault', 'writeMax'] as const
const fieldOf = {
  readDefault: 'readSecondsDefault',
  readMax: 'readSecondsMax',
  writeDefault: 'writeSecondsDefault',
  writeMax: 'writeSecondsMax',
} as const

export function withPolicyFlags(command: Command): Command {
  return command
    .option(
      '--network <network...>',
      'where URLs may be asked for and used from: address ranges (CIDR), on AWS also VPC endpoints (vpce-...)',
    )
    .option('--no-network', 'from anywhere')
    .option(
      '--read-default <time>',
      'life of URLs to read, where none is asked for; none takes it away',
      parseTime,
    )
    .option('--read-max <time>', 'longest life of URLs to read, such as 15m; none takes it away', parseTime)
    .option(
      '--write-default <time>',
      'life of URLs to write, where none is asked for; none takes it away',
      parseTime,
    )
    .option('--write-max <time>', 'longest life of URLs to write, such as 24h; none takes it away', parseTime)
    .option(
      '--policy-file <file>',
      'the whole policy, as JSON; - for standard input. What other options say counts more',
    )
}

function parseTime(text: string): number | 'none' {
  if (text === 'none') return text
  try {
    return parseDuration(text)
  } catch {
    throw new InvalidArgumentError('Write seconds, a time such as 90s, 15m, 24h or 7d, or none.')
  }
}

export function namesPolicy(flags: PolicyFlags): boolean {
  return (
    flags.network !== undefined ||
    flags.policyFile !== undefined ||
    times.some((name) => flags[name] !== undefined)
  )
}

/** The whole policy for the API; undefined: no option is about it. */
export async function policyOf(
  io: Io,
  flags: PolicyFlags,
  before: Policy | undefined,
): Promise<Policy | undefined> {
  if (!namesPolicy(flags)) return undefined
  const whole = flags.policyFile === undefined ? before : await policyFile(io, flags.policyFile)
  const { expiry: expiryBefore, networks: networksBefore, ...others } = whole ?? {}
  const expiry: NonNullable<Policy['expiry']> = { ...expiryBefore }
  for (const name of times) {
    const seconds = flags[name]
    if (seconds === 'none') delete expiry[fieldOf[name]]
    else if (seconds !== undefined) expiry[fieldOf[name]] = seconds
  }
  const networks = flags.network === undefined ? networksBefore : flags.network || undefined
  return {
    ...others,
    ...(Object.keys(expiry).length === 0 ? {} : { expiry }),
    ...(networks === undefined ? {} : { networks }),
  }
}

/** The server checks every field, and names the one that is wrong. */
async function policyFile(io: Io, file: string): Promise<Policy> {
  const text = await readSecretFile(io, file, '--policy-file')
  try {
    const found = JSON.parse(text) as unknown
    if (typeof found === 'object' && found !== null && !Array.isArray(found)) return found
  } catch {
    // Said below.
  }
  throw new UsageError(`--policy-file ${file}: must be JSON, such as {"networks": ["203.0.113.0/24"]}`)
}

/** What a changed list does, and what it does not do by itself. */
export function noteNetworks(context: Context, { network }: PolicyFlags, connector: string): void {
  if (network === undefined) return
  const apply = `\`signpost network apply ${printableLine(connector)}\``
  context.note(
    network === false
      ? `URLs may be asked for from anywhere again; what stands at the bucket is taken away by ${apply}`
      : `the list holds where URLs are asked for; ${apply} holds it at the bucket too`,
  )
}

/** For people: one line a part; none where there is no policy. */
export function policyLines({ networks, expiry, ...others }: Policy): string[] {
  const lines: string[] = []
  if (networks && networks.length > 0) lines.push(`  networks: ${networks.join(' ')}`)
  for (const name of times) {
    const seconds = expiry?.[fieldOf[name]]
    if (seconds !== undefined) lines.push(`  ${fieldOf[name]}: ${seconds}`)
  }
  for (const [name, value] of Object.entries(others)) lines.push(`  ${name}: ${JSON.stringify(value)}`)
  return lines.map(printableLine)
}
