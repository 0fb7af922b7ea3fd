/** Where an S3 bucket writes its server access log ("PutBucketLogging"). */
import type * as Sdk from '@aws-sdk/client-s3'
import type { BucketConfiguration } from '../../domain/connector.ts'
import type { Run } from './operate.ts'

export function s3Logging(
  Bucket: string,
  run: Run,
): Required<Pick<BucketConfiguration, 'readLogging' | 'writeLogging'>> {
  const read = (s3: Sdk.S3Client, sdk: typeof Sdk) => s3.send(new sdk.GetBucketLoggingCommand({ Bucket }))
  return {
    readLogging: () =>
      run(async (s3, sdk) => {
        const { LoggingEnabled: on } = await read(s3, sdk)
        if (on?.TargetBucket === undefined) return null
        const by = on.TargetObjectKeyFormat?.PartitionedPrefix?.PartitionDateSource
        return {
          bucket: on.TargetBucket,
          prefix: on.TargetPrefix ?? '',
          // Left out it is the time of delivery.
          ...(on.TargetObjectKeyFormat?.PartitionedPrefix === undefined
            ? {}
            : { partitionedBy: by ?? 'DeliveryTime' }),
        }
      }),
    writeLogging: ({ bucket: TargetBucket, prefix: TargetPrefix, partitionedBy }) =>
      run(async (s3, sdk) => {
        // Who else may read the files was set by somebody else.
        const { LoggingEnabled: before } = await read(s3, sdk)
        const grants = before?.TargetGrants === undefined ? {} : { TargetGrants: before.TargetGrants }
        const format =
          partitionedBy === undefined
            ? {}
            : { TargetObjectKeyFormat: { PartitionedPrefix: { PartitionDateSource: partitionedBy } } }
        const LoggingEnabled = { TargetBucket, TargetPrefix, ...grants, ...format }
        const input = { Bucket, BucketLoggingStatus: { LoggingEnabled } }
        await s3.send(new sdk.PutBucketLoggingCommand(input))
      }),
  }
}
