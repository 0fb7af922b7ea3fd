/** What an S3 bucket is set to, by the AWS SDK. What a store does not know of it refuses, and that is thrown. */

import type * as Sdk from '@aws-sdk/client-s3'
import type { BucketConfiguration, CorsRule } from '../../domain/connector.ts'
import { s3Logging } from './logging.ts'

type Run = <T>(call: (client: Sdk.S3Client, sdk: typeof Sdk) => Promise<T>) => Promise<T>

export function s3Configuration(
  Bucket: string,
  run: Run,
): Required<Omit<BucketConfiguration, 'readSoftDeleteDays'>> {
  return {
    ...s3Logging(Bucket, run),
    readPolicy: () =>
      run(async (s3, sdk) => {
        const found = await orAbsent(
          s3.send(new sdk.GetBucketPolicyCommand({ Bucket })),
          'NoSuchBucketPolicy',
        )
        return found?.Policy || null
      }),
    writePolicy: (document) =>
      run(async (s3, sdk) => {
        if (document === null) await s3.send(new sdk.DeleteBucketPolicyCommand({ Bucket }))
        else await s3.send(new sdk.PutBucketPolicyCommand({ Bucket, Policy: document }))
      }),
    // The answer names who asked, though all buckets are of no interest here.
    readOwnUser: () =>
      run(async (s3, sdk) => (await s3.send(new sdk.ListBucketsCommand({}))).Owner?.ID || null),
    readCors: () =>
      run(async (s3, sdk) => {
        const found = await orAbsent(
          s3.send(new sdk.GetBucketCorsCommand({ Bucket })),
          'NoSuchCORSConfiguration',
        )
        return (found?.CORSRules ?? []).map(corsRuleOf)
      }),
    readVersioning: () =>
      run(async (s3, sdk) => {
        const { Status } = await s3.send(new sdk.GetBucketVersioningCommand({ Bucket }))
        return Status === 'Enabled' ? 'enabled' : Status === 'Suspended' ? 'suspended' : 'off'
      }),
    readEncryption: () =>
      run(async (s3, sdk) => {
        const absent = 'ServerSideEncryptionConfigurationNotFoundError'
        const found = await orAbsent(s3.send(new sdk.GetBucketEncryptionCommand({ Bucket })), absent)
        const rule = found?.ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault
        if (rule?.SSEAlgorithm === undefined) return null
        return { algorithm: rule.SSEAlgorithm, kmsKeyId: rule.KMSMasterKeyID ?? null }
      }),
    readStaleUploadDays: async () => staleDaysOf(await lifecycleRules(Bucket, run)),
    readExpiryRules: async () => (await lifecycleRules(Bucket, run)).flatMap(expiryOf),
    readPublicAccess: () =>
      run(async (s3, sdk) => {
        const absent = 'NoSuchPublicAccessBlockConfiguration'
        const found = await orAbsent(s3.send(new sdk.GetPublicAccessBlockCommand({ Bucket })), absent)
        // The other two refuse new ACLs and policies that are public; these two take the effect from all of them.
        const { IgnorePublicAcls, RestrictPublicBuckets } = found?.PublicAccessBlockConfiguration ?? {}
        return IgnorePublicAcls === true && RestrictPublicBuckets === true ? 'blocked' : 'open'
      }),
  }
}

async function lifecycleRules(Bucket: string, run: Run): Promise<Sdk.LifecycleRule[]> {
  return run(async (s3, sdk) => {
    const asked = s3.send(new sdk.GetBucketLifecycleConfigurationCommand({ Bucket }))
    const found = await orAbsent(asked, 'NoSuchLifecycleConfiguration')
    return (found?.Rules ?? []).filter(({ Status }) => Status === 'Enabled')
  })
}

function prefixOf({ Filter, Prefix }: Sdk.LifecycleRule): string {
  return Filter?.Prefix ?? Filter?.And?.Prefix ?? Prefix ?? ''
}

/** A rule for a part of the bucket does not look after the rest of it. */
function staleDaysOf(rules: readonly Sdk.LifecycleRule[]): number | null {
  const days = rules
    .filter((rule) => prefixOf(rule) === '')
    .map((rule) => rule.AbortIncompleteMultipartUpload?.DaysAfterInitiation)
    .filter((one) => one !== undefined)
  return days.length === 0 ? null : Math.min(...days)
}

function expiryOf(rule: Sdk.LifecycleRule): { prefix: string; days: number | null }[] {
  const { Expiration } = rule
  if (Expiration?.Days === undefined && Expiration?.Date === undefined) return []
  return [{ prefix: prefixOf(rule), days: Expiration.Days ?? null }]
}

function corsRuleOf(rule: Sdk.CORSRule): CorsRule {
  return {
    origins: rule.AllowedOrigins ?? [],
    methods: rule.AllowedMethods ?? [],
    allowedHeaders: rule.AllowedHeaders ?? [],
    exposedHeaders: rule.ExposeHeaders ?? [],
  }
}

/** Undefined where the store says that there is none. */
async function orAbsent<T>(answer: Promise<T>, code: string): Promise<T | undefined> {
  try {
    return await answer
  } catch (error) {
    const { name, Code, $metadata } = error as {
      name?: string
      Code?: string
      $metadata?: { httpStatusCode?: number }
    }
    if (name === code || Code === code) return undefined
    // Ceph answers 404 NoSuchKey, or without a code.
    if ($metadata?.httpStatusCode === 404 && name !== 'NoSuchBucket' && Code !== 'NoSuchBucket')
      return undefined
    throw error
  }
}
