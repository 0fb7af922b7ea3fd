/** Webhooks as Standard Webhooks 1.0 signs them (standardwebhooks.com, "Signature scheme"). */
import { createHmac } from 'node:crypto'
import { post } from './post.ts'
import { shapedText } from './shapes.ts'
import {
  delivered,
  type Delivery,
  type SettingsOf,
  type SinkBatch,
  type SinkDeps,
  type SinkSecrets,
} from './types.ts'

const prefix = 'whsec_'

export async function sendWebhook(
  deps: SinkDeps,
  settings: SettingsOf<'webhook'>,
  secrets: SinkSecrets,
  batch: SinkBatch,
): Promise<Delivery> {
  const { contentType, body } = webhookBody(settings.shape, batch)
  const { url, allowInternal } = settings
  return postSigned(deps, { url, allowInternal, contentType }, secrets, { id: batch.id, body })
}

/** `id`: the same for the same message; receivers know by it what came twice. */
export async function postSigned(
  deps: Pick<SinkDeps, 'clock' | 'guardedFetch'>,
  { url, allowInternal, contentType }: { url: string; allowInternal: boolean; contentType: string },
  secrets: SinkSecrets,
  { id, body }: { id: string; body: string },
): Promise<Delivery> {
  const now = deps.clock()
  const timestamp = Math.floor(now / 1000)
  const asked = await post(deps, {
    url,
    allowInternal,
    headers: {
      ...secrets.headers,
      'content-type': contentType,
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signaturesOf(secrets, now, `${id}.${timestamp}.${body}`),
    },
    body,
  })
  return asked.taken ? delivered : asked.delivery
}

/** While secrets are changed, a signature by each, with a blank between. */
function signaturesOf({ signing = '', previousSigning }: SinkSecrets, now: number, content: string): string {
  const secrets = [
    signing,
    ...(previousSigning && previousSigning.until > now ? [previousSigning.secret] : []),
  ]
  return secrets
    .map((secret) => {
      const key = Buffer.from(secret.slice(prefix.length), 'base64')
      return `v1,${createHmac('sha256', key).update(content).digest('base64')}`
    })
    .join(' ')
}

/**
 * CloudEvents go as a batch of their own (HTTP binding §3.3 "Batched Content Mode"); the others as Standard Webhooks
 * recommends a payload: `type`, `timestamp`, `data`. Made of the events alone: what is sent again is the same.
 */
function webhookBody(
  shape: SettingsOf<'webhook'>['shape'],
  { events }: SinkBatch,
): { contentType: string; body: string } {
  const list = `[${events.map((event) => shapedText(event, shape)).join(',')}]`
  if (shape === 'cloudevents')
    return { contentType: 'application/cloudevents-batch+json; charset=utf-8', body: list }
  const head = JSON.stringify({ type: 'signpost.audit', timestamp: events.at(-1)!.event.at })
  return { contentType: 'application/json', body: `${head.slice(0, -1)},"data":${list}}` }
}
