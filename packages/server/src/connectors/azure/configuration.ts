/** What a container and its account are set to, by Azure's SDK. Reading the account's settings takes a right of its own. */

import type { BlobServiceClient } from '@azure/storage-blob'
import type { BucketConfiguration } from '../../domain/connector.ts'
import type { AzureAddress } from './address.ts'
import type { AzureAccess, AzureSettings } from './credential.ts'
import { azureError } from './error.ts'

const TIMEOUT_MS = 10_000

export function azureConfiguration(
  { account, bucket }: Pick<AzureSettings, 'account' | 'bucket'>,
  address: AzureAddress,
  access: AzureAccess,
): BucketConfiguration {
  const run = async <T>(call: (service: BlobServiceClient, abortSignal: AbortSignal) => Promise<T>) => {
    try {
      return await call(await access.service(), AbortSignal.timeout(TIMEOUT_MS))
    } catch (error) {
      throw azureError(error, { bucket: `${account}/${bucket}`, host: address.host })
    }
  }
  const container = () =>
    run((service, abortSignal) => service.getContainerClient(bucket).getProperties({ abortSignal }))
  return {
    readCors: () =>
      run(async (service, abortSignal) => {
        const { cors = [] } = await service.getProperties({ abortSignal })
        return cors.map((rule) => ({
          origins: listOf(rule.allowedOrigins),
          methods: listOf(rule.allowedMethods),
          allowedHeaders: listOf(rule.allowedHeaders),
          exposedHeaders: listOf(rule.exposedHeaders),
        }))
      }),
    readSoftDeleteDays: () =>
      run(async (service, abortSignal) => {
        const { deleteRetentionPolicy } = await service.getProperties({ abortSignal })
        return deleteRetentionPolicy?.enabled === true ? (deleteRetentionPolicy.days ?? 0) : null
      }),
    async readEncryption() {
      const { defaultEncryptionScope } = await container()
      // "Azure Storage encryption for data at rest": always on, with AES-256.
      if (!defaultEncryptionScope) return null
      return { algorithm: 'AES256', kmsKeyId: defaultEncryptionScope }
    },
    // "Put Block": blocks that nobody commits are dropped after a week.
    readStaleUploadDays: () => Promise.resolve(7),
    async readPublicAccess() {
      const { blobPublicAccess } = await container()
      return blobPublicAccess === undefined ? 'blocked' : 'open'
    },
  }
}

/** Azure writes lists in one line, commas between. */
function listOf(text: string | undefined): string[] {
  return (text ?? '')
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '')
}
