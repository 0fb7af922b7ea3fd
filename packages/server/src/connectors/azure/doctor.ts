/** What the doctor knows of Azure Blob Storage. */

import type { ConnectorSettings } from '@signpost/contract'
import { fail } from '../doctor/finding.ts'
import type { KindDoctor } from '../doctor/kind.ts'
import { shellWord } from '../policies/document.ts'
import { azureAddress, azureServiceUrl } from './address.ts'

type AzureStored = Extract<ConnectorSettings, { kind: 'azure' }>

export const azureDoctor: KindDoctor = {
  address(settings) {
    const address = azureAddress(settings as AzureStored)
    return {
      origin: address.origin,
      serviceHost: undefined,
      bucketUrl: `${azureServiceUrl(address)}/${settings.bucket}`,
    }
  },
  listQuery: 'restype=container&comp=list&maxresults=1',
  // "Naming and referencing containers, blobs, and metadata".
  nameProblem: ({ bucket }) =>
    /^(?:\$root|\$web|[a-z0-9](?:[a-z0-9]|-(?!-)){1,61}[a-z0-9])$/.test(bucket)
      ? undefined
      : fail(
          `${bucket} is no name that Azure takes.`,
          'choose 3 to 63 lower-case letters, digits and single hyphens',
        ),
  markerParameter: 'scid',
  // "Copy Blob": the source takes a signature of its own.
  copyHeader: () => undefined,
  // A SAS does not sign the host.
  hostChanged: () => Promise.resolve(undefined),
  otherAddressing: () => Promise.resolve(undefined),
  rights: {
    put: 'Storage Blob Data Contributor on the container',
    get: 'Storage Blob Data Reader on the container',
    list: 'Storage Blob Data Reader on the container',
    delete: 'Storage Blob Data Contributor on the container',
    multipart: 'Storage Blob Data Contributor on the container',
    abort: 'Storage Blob Data Contributor on the container',
    overwrite: 'Storage Blob Data Contributor on the container',
  },
  paste: {
    cors: (settings, origins, headers) => {
      const allowed = [
        ...new Set([
          ...headers,
          'x-ms-blob-type',
          'x-ms-blob-content-type',
          'x-ms-meta-*',
          'content-md5',
          'if-none-match',
          'range',
        ]),
      ]
      return [
        'az storage cors add --services b --methods GET HEAD PUT --max-age 3000',
        `--account-name ${(settings as AzureStored).account} --origins ${origins.map(shellWord).join(' ')}`,
        `--allowed-headers ${allowed.map(shellWord).join(' ')} --exposed-headers ETag Content-Range Content-Length x-ms-request-id`,
      ].join(' ')
    },
    staleUploads: () => null,
    privacy: (settings) =>
      `az storage account update --name ${(settings as AzureStored).account} --allow-blob-public-access false`,
  },
}
