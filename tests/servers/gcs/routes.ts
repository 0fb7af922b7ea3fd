import type { Call, Reply } from './call.ts'
import { bucketSettings, readSetting, writeSetting } from './bucket-settings.ts'
import { listObjects } from './list-routes.ts'
import {
  abortUpload,
  completeUpload,
  createUpload,
  listParts,
  listUploads,
  uploadPart,
} from './multipart-routes.ts'
import { deleteObject, readObject, writeObject } from './object-routes.ts'
import { GcsRefusal } from './refusal.ts'
import { startSession } from './resumable-routes.ts'

/** Which operation of the XML API a signed request is. */
export function route(call: Call): Reply {
  const handler = call.key === '' ? bucketHandler(call) : objectHandler(call)
  if (!handler)
    throw new GcsRefusal(
      405,
      'MethodNotAllowed',
      'The specified method is not allowed against this resource.',
    )
  return handler(call)
}

type Handler = (call: Call) => Reply

function bucketHandler({ method, query }: Call): Handler | undefined {
  if (method === 'PUT' && query.has('logging')) return writeSetting
  if (method !== 'GET') return undefined
  if (bucketSettings.some((name) => query.has(name))) return readSetting
  return query.has('uploads') ? listUploads : listObjects
}

function objectHandler({ method, query, headers }: Call): Handler | undefined {
  const hasUpload = query.has('uploadId')
  switch (method) {
    case 'GET':
      return hasUpload ? listParts : readObject
    case 'HEAD':
      return readObject
    case 'PUT':
      return hasUpload ? uploadPart : writeObject
    case 'DELETE':
      return hasUpload ? abortUpload : deleteObject
    case 'POST':
      if (query.has('uploads')) return createUpload
      if (hasUpload) return completeUpload
      return headers['x-goog-resumable'] === undefined ? undefined : startSession
    default:
      return undefined
  }
}
