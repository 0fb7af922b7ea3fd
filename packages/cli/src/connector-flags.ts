/** The options that say where a bucket is and what signs for it. */
import { Option, type Command } from 'commander'
import type { SecretSources } from './connector-settings.ts'
import type { Context } from './context.ts'
import { askSecret } from './prompt.ts'
import { readSecretFile } from './server-settings.ts'

/** The options that change the settings. */
export const flagNames = [
  ...(['region', 'endpoint', 'addressing', 'marker', 'accessKeyId', 'secretAccessKeyFile'] as const),
  ...(['sessionTokenFile', 'serviceAccountKeyFile', 'hmacAccessId', 'hmacSecretFile', 'account'] as const),
  'credentialFile' as const,
  ...(['accountKeyFile', 'tenantId', 'clientId', 'clientSecretFile', 'authorityHost'] as const),
]

export function withFlags(command: Command): Command {
  return command
    .option('--endpoint <url>', "the store's own address, if it is not its provider's")
    .addOption(new Option('--addressing <style>', 'bucket.host or host/bucket').choices(['virtual', 'path']))
    .option(
      '--marker <marker>',
      'what names the requester in a URL: username, pseudonym (azure: also uuid, random, none)',
    )
    .option('--region <region>', 's3: region')
    .option('--access-key-id <id>', 's3: id of the access key (or AWS_ACCESS_KEY_ID)')
    .option(
      '--secret-access-key-file <file>',
      's3: its secret; - for standard input (or AWS_SECRET_ACCESS_KEY)',
    )
    .option('--session-token-file <file>', 's3: session token of a temporary key (or AWS_SESSION_TOKEN)')
    .option('--service-account-key-file <file>', 'gcs: JSON key file (or GOOGLE_APPLICATION_CREDENTIALS)')
    .option('--hmac-access-id <id>', 'gcs: id of an HMAC key')
    .option('--hmac-secret-file <file>', 'gcs: its secret; - for standard input')
    .option('--account <name>', 'azure: storage account')
    .option(
      '--account-key-file <file>',
      'azure: key of the account; - for standard input (or AZURE_STORAGE_KEY)',
    )
    .option('--tenant-id <id>', 'azure: Entra tenant (or AZURE_TENANT_ID)')
    .option('--client-id <id>', 'azure: Entra application (or AZURE_CLIENT_ID)')
    .option('--client-secret-file <file>', 'azure: its secret; - for standard input (or AZURE_CLIENT_SECRET)')
    .option('--authority-host <url>', 'azure: Entra authority, if not the public one')
    .option(
      '--credential-file <file>',
      'the whole credential as the API takes it, JSON; with {"env": ...} and {"file": ...} the server reads it by itself; - for standard input',
    )
    .option('--no-check', 'save without trying the bucket')
}

export function secretSources({ io }: Context): SecretSources {
  return {
    env: io.env,
    readSecret: (file, flag) => readSecretFile(io, file, flag),
    ask: io.stdin.isTTY ? (question) => askSecret(io, question) : undefined,
  }
}
