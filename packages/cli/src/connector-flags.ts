/** The options that say where a bucket is and what signs for it. */
import { Option, type Command } from 'commander'
import { credentialFlagNames, withCredentialFlags } from './connector-credentials/flags.ts'
import type { SecretSources } from './connector-settings.ts'
import type { Context } from './context.ts'
import { askSecret } from './prompt.ts'
import { readSecretFile } from './server-settings.ts'

/** The options that change the settings. */
export const flagNames = [
  ...(['region', 'addressing', 'marker', 'audience'] as const),
  ...credentialFlagNames,
]

/** Where the bucket is: of a connector that is there these stay. */
export function withPlaceFlags(command: Command): Command {
  return command
    .option('--endpoint <url>', "the store's own address, if it is not its provider's")
    .option('--account <name>', 'azure: storage account')
}

export function withFlags(command: Command): Command {
  command
    .addOption(new Option('--addressing <style>', 'bucket.host or host/bucket').choices(['virtual', 'path']))
    .option(
      '--marker <marker>',
      'what names the requester in a URL: username, pseudonym (azure: also uuid, random, none)',
    )
    .option('--region <region>', 's3: region')
    .option(
      '--audience <name=url...>',
      'other addresses of the bucket for clients; NAME=URL,CIDR,...: callers from there get it unasked',
    )
    .option('--no-audience', 'only its own address')
  return withCredentialFlags(command).option('--no-check', 'save without trying the bucket')
}

export function secretSources({ io }: Context): SecretSources {
  return {
    env: io.env,
    readSecret: (file, flag) => readSecretFile(io, file, flag),
    ask: io.stdin.isTTY ? (question) => askSecret(io, question) : undefined,
  }
}
