import { fieldsOf, needed, secretOf, textOf, type Given } from './secret.ts'

export async function azureCredential(type: string, given: Given): Promise<object> {
  switch (type) {
    case 'clientSecret':
      return {
        ...application(given, 'a client secret'),
        type,
        clientSecret: await secretOf(given, {
          field: 'clientSecret',
          flag: '--client-secret-file',
          file: given.flags.clientSecretFile,
          variable: 'AZURE_CLIENT_SECRET',
        }),
      }
    case 'workloadIdentity':
      return {
        ...application(given, 'a workload identity'),
        type,
        token: await secretOf(given, {
          field: 'token',
          flag: '--oidc-token-file',
          file: given.flags.oidcTokenFile,
        }),
      }
    case 'managedIdentity':
      return { type, ...fieldsOf({ clientId: textOf(given, 'clientId') }) }
    default:
      return {
        type: 'accountKey',
        accountKey: await secretOf(given, {
          field: 'accountKey',
          flag: '--account-key-file',
          file: given.flags.accountKeyFile,
          variable: 'AZURE_STORAGE_KEY',
        }),
      }
  }
}

export function azureType({ flags }: Given, there: string | undefined): string {
  if (flags.accountKeyFile !== undefined) return 'accountKey'
  if (flags.clientSecretFile !== undefined) return 'clientSecret'
  if (flags.oidcTokenFile !== undefined) return 'workloadIdentity'
  if (flags.tenantId !== undefined && (there === undefined || there === 'accountKey')) return 'clientSecret'
  return there ?? 'accountKey'
}

function application(given: Given, what: string): object {
  const { env } = given.sources
  const tenantId = textOf(given, 'tenantId', env['AZURE_TENANT_ID'])
  const clientId = textOf(given, 'clientId', env['AZURE_CLIENT_ID'])
  const missing = `${what} needs --tenant-id and --client-id`
  return {
    tenantId: needed(tenantId, missing),
    clientId: needed(clientId, missing),
    ...fieldsOf({ authorityHost: textOf(given, 'authorityHost') }),
  }
}
