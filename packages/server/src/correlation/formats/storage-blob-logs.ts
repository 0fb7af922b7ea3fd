/** Azure Monitor's table StorageBlobLogs, exported as JSON: the resource log with names of its own, and no column for `scid`. */
import type { LogFormat } from '../access-log-record.ts'
import { parseAzure } from './azure-resource.ts'

export const storageBlobLogs: LogFormat = {
  name: 'storage-blob-logs',
  title: 'Azure Monitor StorageBlobLogs',
  shape: 'json',
  parse: (text) =>
    parseAzure(text, {
      time: 'TimeGenerated',
      operation: 'OperationName',
      status: 'StatusCode',
      statusText: 'StatusText',
      address: 'CallerIpAddress',
      correlationId: 'CorrelationId',
      uri: 'Uri',
      account: 'AccountName',
      objectKey: 'ObjectKey',
      agent: 'UserAgentHeader',
      authentication: 'AuthenticationType',
      signers: ['RequesterObjectId'],
      bytesReceived: 'RequestBodySize',
      bytesSent: 'ResponseBodySize',
    }),
}
