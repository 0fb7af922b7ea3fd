/** Lines as each log would write one and the same signed request: what its parser must find again. */
import { encodeComponent, encodePath } from '@signpost/signing'
import type { LineContext } from '../../access-log-record.ts'
import { accessKeyId, commonTime, s3Query, sasQuery, type Access } from './made-access.ts'

export interface MadeLine {
  text: string
  context: LineContext
}

export interface Maker {
  format: string
  /** `query`: may be changed before the line is written, as a client would. */
  make(access: Access, changed?: (query: string) => string): MadeLine
  /** What this log tells; `client`: its address; `proof`: whose signature counted. */
  tells: {
    client: boolean
    markers: boolean
    key: boolean
    status: boolean
    urlSigner: boolean
    proof: boolean
  }
}

const account = 'acme'
const everything = { client: true, markers: true, key: true, status: true, urlSigner: true, proof: true }
const same = (query: string) => query

const operationOf = (method: Access['method']) => (method === 'GET' ? 'GetObject' : 'PutObject')

function s3Line(access: Access, changed: (query: string) => string, tail: string): string {
  const { bucket, key, method, status, at, address, agent } = access
  const path = encodePath(key)
  const column = encodeComponent(path).replaceAll('%2F', '/')
  return `79a5 ${bucket} [${commonTime(at)}] ${address} arn:aws:iam::000000000000:user/signer 3E57427F3EXAMPLE REST.${method}.OBJECT ${column} "${method} /${path}?${changed(s3Query(access))} HTTP/1.1" ${status} - 12 12 3 2 "-" "${agent}" - ${tail}`
}

const s3Tail = (bucket: string) =>
  `aGk= SigV4 ECDHE-RSA-AES128-GCM-SHA256 QueryString ${bucket}.s3.us-east-1.amazonaws.com TLSV1.2 - -`

const json = (value: unknown, context: LineContext = {}): MadeLine => ({
  text: JSON.stringify(value),
  context,
})
const iso = (at: number) => new Date(at).toISOString()
const pathStyle = ({ bucket, key }: Access) => `/${bucket}/${encodePath(key)}`

function azureUri(access: Access, changed: (query: string) => string): string {
  return `https://${account}.blob.core.windows.net${pathStyle(access)}?${changed(sasQuery(access))}`
}

const lines = {
  's3-server-access': (access, changed) => ({
    text: s3Line(access, changed, s3Tail(access.bucket)),
    context: {},
  }),
  'local-store': (access, changed) => ({ text: s3Line(access, changed, s3Tail(access.bucket)), context: {} }),
  'ceph-bucket-logging': (access, changed) => ({
    text: s3Line(access, changed, `- - - - ${access.bucket}.localhost - -`),
    context: { addressing: 'virtual' },
  }),
  'gcs-usage': (access, changed) => {
    const { at, address, method, status, agent, bucket, key } = access
    const uri = `${pathStyle(access)}?${changed(s3Query(access, 'Goog'))}`
    const named = method === 'GET' ? 'GET_Object' : 'PUT_Object'
    const cells = [
      `${at}000`,
      address,
      '1',
      '',
      method,
      uri,
      status,
      '1',
      '2',
      '3',
      'storage.googleapis.com',
      '',
      agent,
      'AE',
      named,
      bucket,
      key,
    ]
    return { text: cells.map((cell) => `"${String(cell).replaceAll('"', '""')}"`).join(','), context: {} }
  },
  azurite: (access, changed) => {
    const { address, at, method, status } = access
    const target = `/${account}${pathStyle(access)}?${changed(sasQuery(access))}`
    return {
      text: `${address} - - [${commonTime(at)}] "${method} ${target} HTTP/1.1" ${status} -`,
      context: {},
    }
  },
  garage: (access, changed) => {
    const { address, at, method } = access
    const uri = `${pathStyle(access)}?${changed(s3Query(access))}`
    const text = `${iso(at)}  INFO garage_api_common::generic_server: ${address} (key ${accessKeyId}) ${method} ${uri}`
    return { text, context: {} }
  },
  'azure-resource': (access, changed) => {
    const { at, method, status, address, agent, bucket, key } = access
    const properties = {
      accountName: account,
      objectKey: `/${account}/${bucket}/${key}`,
      userAgentHeader: agent,
    }
    const identity = { type: 'DelegationSas', requester: { objectId: accessKeyId } }
    const operationName = method === 'GET' ? 'GetBlob' : 'PutBlob'
    const ids = { time: iso(at), category: 'StorageRead', operationName, correlationId: 'c-1' }
    const outcome = { statusCode: status, statusText: 'SASSuccess', callerIpAddress: `${address}:443` }
    return json({ ...ids, ...outcome, uri: azureUri(access, changed), identity, properties })
  },
  'storage-blob-logs': (access, changed) => {
    const { at, method, status, address, agent, bucket, key } = access
    return json({
      TimeGenerated: iso(at),
      OperationName: method === 'GET' ? 'GetBlob' : 'PutBlob',
      StatusCode: String(status),
      StatusText: 'SASSuccess',
      CallerIpAddress: `${address}:443`,
      CorrelationId: 'c-1',
      Uri: azureUri(access, changed),
      AccountName: account,
      ObjectKey: `/${account}/${bucket}/${key}`,
      UserAgentHeader: agent,
      AuthenticationType: 'DelegationSas',
      RequesterObjectId: accessKeyId,
    })
  },
  'azure-event-grid': ({ at, method, bucket, key }) =>
    json({
      topic: `/subscriptions/s/resourceGroups/g/providers/Microsoft.Storage/storageAccounts/${account}`,
      subject: `/blobServices/default/containers/${bucket}/blobs/${key}`,
      eventType: 'Microsoft.Storage.BlobCreated',
      eventTime: iso(at),
      id: 'e-1',
      // It tells no reads; one is written all the same, so that what is tried of every log is tried of it.
      data: {
        api: method === 'GET' ? 'GetBlob' : 'PutBlob',
        requestId: 'r-1',
        url: `https://${account}.blob.core.windows.net/${bucket}/${encodePath(key)}`,
      },
      dataVersion: '',
      metadataVersion: '1',
    }),
  cloudtrail: ({ at, method, address, agent, bucket, key, username, grantId }) => {
    const requestParameters = { bucketName: bucket, key, 'X-User': username, 'X-Grant': grantId }
    return json({
      eventTime: iso(at),
      eventSource: 's3.amazonaws.com',
      eventName: operationOf(method),
      eventID: 'e-1',
      sourceIPAddress: address,
      userAgent: `[${agent}]`,
      userIdentity: { accessKeyId },
      requestParameters,
      additionalEventData: { AuthenticationMethod: 'QueryString' },
    })
  },
  'gcs-audit': ({ at, method, address, agent, bucket, key, username, grantId }) => {
    const audit_info = { 'x-goog-custom-audit-user': username, 'x-goog-custom-audit-grant': grantId }
    const protoPayload = {
      methodName: method === 'GET' ? 'storage.objects.get' : 'storage.objects.create',
      resourceName: `projects/_/buckets/${bucket}/objects/${key}`,
      requestMetadata: { callerIp: address, callerSuppliedUserAgent: agent },
      metadata: { audit_context: { app_context: 'EXTERNAL', audit_info } },
      status: {},
    }
    return json({ insertId: 'i-1', timestamp: iso(at), protoPayload })
  },
  coreweave: (access, changed) => {
    const { at, method, status, address, agent, bucket } = access
    const uri = `/${encodePath(access.key)}?${changed(s3Query(access))}`
    const who = { accessKeyId, sourceIp: address, userAgent: agent, requestId: 'r-1' }
    return json({
      action: `s3:${operationOf(method)}`,
      timestamp: iso(at),
      bucketName: bucket,
      uri,
      method,
      status,
      ...who,
    })
  },
  minio: (access, changed) => {
    const { at, method, status, address, agent, bucket, key } = access
    // As MinIO does it: the values of one name are joined.
    const requestQuery: Record<string, string> = {}
    for (const [name, value] of new URLSearchParams(changed(s3Query(access))))
      requestQuery[name] = name in requestQuery ? `${requestQuery[name]},${value}` : value
    const api = { name: operationOf(method), bucket, object: key, statusCode: status }
    const who = { remotehost: address, userAgent: agent, requestID: 'r-1', accessKey: accessKeyId }
    return json({ version: '1', time: iso(at), api, ...who, requestQuery })
  },
  'ceph-ops': (access, changed) => {
    const { at, method, status, address, agent, bucket, key } = access
    const query = changed(s3Query(access))
    const uri = `${method} ${pathStyle(access)}?${query}?${query} HTTP/1.1`
    const operation = method === 'GET' ? 'get_obj' : 'put_obj'
    const who = { remote_addr: address, user_agent: agent, access_key_id: accessKeyId, user: 'signer' }
    const ids = { trans_id: 'tx1', authentication_type: 'Local' }
    return json({
      bucket,
      object: key,
      time: iso(at),
      operation,
      uri,
      http_status: String(status),
      ...who,
      ...ids,
    })
  },
  'ceph-beast': (access, changed) => {
    const { at, method, status, address, agent } = access
    const time = commonTime(at).replace(' +', '.000 +')
    const request = `${method} ${pathStyle(access)}?${changed(s3Query(access))} HTTP/1.1`
    const begin = `${iso(at).replace('Z', '+0000')} 7f70b67cc6c0  1 beast: 0x7f71284616e0: ${address} - signer`
    const text = `${begin} [${time}] "${request}" ${status} 12 - "${agent}" - latency=0.004000000s`
    return { text, context: {} }
  },
  versitygw: (access, changed) => {
    const { at, method, status, address, agent, bucket, key } = access
    const RequestURI = `${pathStyle(access)}?${changed(s3Query(access))}`
    const named = { Operation: `REST.${method}.OBJECT`, Bucket: bucket, Key: key, RequestURI }
    const who = { RemoteIP: address, UserAgent: agent, Requester: accessKeyId, RequestID: 'r-1' }
    return json({ ...named, ...who, Time: iso(at), HttpStatus: status })
  },
  seaweedfs: ({ at, method, status, address, agent, bucket, key }) =>
    json({
      bucket,
      // As SeaweedFS writes it.
      key: `/${key}`,
      time: at / 1000,
      remote_ip: address,
      requester: accessKeyId,
      operation: `REST.${method}.OBJECT`,
      user_agent: agent,
      status,
    }),
  r2: ({ at, method, status, address, agent, bucket, key }) =>
    json({
      $metadata: { timestamp: at },
      action: operationOf(method),
      actor: { accessKeyId },
      bucket,
      request: { method },
      response: { status },
      requestMetadata: { ip: address, userAgent: agent },
      resource: { key },
    }),
} satisfies Record<string, (access: Access, changed: (query: string) => string) => MadeLine>

const less: Partial<Record<string, Partial<Maker['tells']>>> = {
  garage: { status: false },
  'ceph-beast': { proof: false },
  cloudtrail: { status: false, urlSigner: false },
  'gcs-audit': { status: false, urlSigner: false },
  seaweedfs: { markers: false, urlSigner: false },
  r2: { markers: false, urlSigner: false },
  'azure-event-grid': { client: false, markers: false, status: false, urlSigner: false },
}

export const makers: readonly Maker[] = Object.entries(lines).map(([format, make]) => ({
  format,
  make: (access, changed = same) => make(access, changed),
  tells: { ...everything, ...less[format] },
}))
