/** OpenTelemetry logs by OTLP/HTTP in JSON (opentelemetry.io/docs/specs/otlp, "OTLP/HTTP" and "JSON Protobuf Encoding"). */
import type { AuditEvent } from '@signpost/contract'
import { post } from './post.ts'
import { shapedText } from './shapes.ts'
import type { Delivery, SettingsOf, SinkBatch, SinkDeps, SinkEvent, SinkSecrets } from './types.ts'

/** logs/data-model, "Severity Fields": INFO, WARN. */
const severities = {
  allow: { severityNumber: 9, severityText: 'INFO' },
  deny: { severityNumber: 13, severityText: 'WARN' },
} as const

export async function sendOtlp(
  deps: SinkDeps,
  settings: SettingsOf<'otlp'>,
  secrets: SinkSecrets,
  { events }: SinkBatch,
): Promise<Delivery> {
  const asked = await post(deps, {
    url: settings.url,
    allowInternal: settings.allowInternal,
    headers: { ...secrets.headers, 'content-type': 'application/json' },
    body: exportRequest(settings.shape, events),
  })
  if (!asked.taken) return asked.delivery
  const rejected = Math.min(rejectedOf(asked.answer), events.length)
  // "The client MUST NOT retry the request when it receives a partial success response": it is told of instead.
  const note =
    rejected === 0
      ? null
      : `${new URL(settings.url).host} took a message, and rejected ${rejected} of its ${events.length} events.`
  return { ok: true, rejected, note }
}

function exportRequest(shape: SettingsOf<'otlp'>['shape'], events: readonly SinkEvent[]): string {
  const logRecords = events.map((event) => logRecord(shape, event))
  return JSON.stringify({
    resourceLogs: [
      {
        resource: { attributes: [attribute('service.name', 'signpost')] },
        scopeLogs: [{ scope: { name: 'signpost.audit' }, logRecords }],
      },
    ],
  })
}

function logRecord(shape: SettingsOf<'otlp'>['shape'], one: SinkEvent): object {
  const { event } = one
  // 64-bit integers are strings.
  const nanos = `${Date.parse(event.at)}000000`
  return {
    timeUnixNano: nanos,
    observedTimeUnixNano: nanos,
    ...severities[event.decision],
    eventName: `signpost.audit.${event.type}`,
    body: { stringValue: shapedText(one, shape) },
    attributes: attributesOf(one, event),
  }
}

/** Names of the semantic conventions where there is one. */
function attributesOf({ chain, seq, hash }: SinkEvent, event: AuditEvent): object[] {
  const { id, type, decision, reason, username, principalId, address, agent, team, bucket, key, grantId } =
    event
  const all: Record<string, string | undefined> = {
    'log.record.uid': id,
    'signpost.chain': chain,
    'signpost.seq': String(seq),
    'signpost.hash': hash,
    'signpost.type': type,
    'signpost.decision': decision,
    'signpost.reason': reason,
    'user.name': username,
    'user.id': principalId,
    'client.address': address,
    'user_agent.original': agent,
    'signpost.team': team,
    'signpost.bucket': bucket,
    'signpost.key': key,
    'signpost.grant_id': grantId,
  }
  return Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [attribute(name, value)]))
}

function attribute(key: string, stringValue: string): object {
  return { key, value: { stringValue } }
}

/** A number, or as a string; what is no answer of OTLP's rejects nothing. */
function rejectedOf(answer: string): number {
  try {
    const { partialSuccess } = JSON.parse(answer) as {
      partialSuccess?: { rejectedLogRecords?: unknown } | null
    }
    const rejected = Number(partialSuccess?.rejectedLogRecords ?? 0)
    return Number.isSafeInteger(rejected) && rejected > 0 ? rejected : 0
  } catch {
    return 0
  }
}
