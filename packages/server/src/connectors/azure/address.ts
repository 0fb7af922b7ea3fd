/** Where a storage account's blob service answers. */

export interface AzureAddress {
  /** Scheme, host and port. */
  origin: string
  host: string
  /** First segment of the path, where the host does not name the account (Azurite and other custom endpoints). */
  accountInPath: string | undefined
  isHttps: boolean
}

export function azureAddress({
  account,
  endpoint,
}: {
  account: string
  endpoint?: string | undefined
}): AzureAddress {
  const service = new URL(endpoint ?? `https://${account}.blob.core.windows.net`)
  // Private links and sovereign clouds (`account.blob.core.chinacloudapi.cn`) name the account in the host.
  const accountInPath = service.hostname.startsWith(`${account}.`) ? undefined : account
  return {
    origin: service.origin,
    host: service.host,
    accountInPath,
    isHttps: service.protocol === 'https:',
  }
}

/** The URL that the SDK takes for the account. */
export function azureServiceUrl({ origin, accountInPath }: AzureAddress): string {
  return accountInPath === undefined ? origin : `${origin}/${accountInPath}`
}
