/** What /metrics shows. No label ever holds what a user chose, but for the names of connectors, log sources and audit sinks, which admins choose. */
import type { AuditSink, LogSource } from '@signpost/contract'
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client'

export interface Metrics {
  /** One finished request; `operation` is an operation's id or `none`. */
  request(operation: string, status: number, milliseconds: number): void
  /** So many decisions about URLs; one, if not said. */
  url(kind: string, action: string, decision: string, count?: number): void
  /** One write unit, from handing it over until it is durable. */
  commit(milliseconds: number, ok: boolean): void
  /** One call of Google's signBlob: ok, quota, refused or failed. */
  signBlob(result: string): void
  /** What the doctor found last at a connector. */
  doctor(connector: string, ok: boolean): void
  /** All log sources there are, as they stand. */
  logSources(sources: readonly LogSource[]): void
  /** All audit sinks there are, as they stand. */
  auditSinks(sinks: readonly AuditSink[]): void
  render(): Promise<string>
  readonly contentType: string
}

const secondsBuckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** `process`: also memory, CPU and event loop lag of this process (which starts observers that cannot be stopped). */
export function createMetrics(options: { process: boolean }): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const requests = new Counter({
    name: 'signpost_http_requests_total',
    help: 'Requests answered',
    labelNames: ['operation', 'status'],
    registers,
  })
  const durations = new Histogram({
    name: 'signpost_http_request_seconds',
    help: 'From the first byte of the request to the last of the answer',
    labelNames: ['operation'],
    buckets: secondsBuckets,
    registers,
  })
  // A batch has thousands: counted here, and told when somebody looks.
  const decided = new Map<string, number>()
  void new Counter({
    name: 'signpost_url_decisions_total',
    help: 'URLs asked for, by what was decided',
    labelNames: ['kind', 'action', 'decision'],
    registers,
    collect() {
      for (const [labels, count] of decided) {
        const [kind = '', action = '', decision = ''] = labels.split(' ')
        this.inc({ kind, action, decision }, count)
      }
      decided.clear()
    },
  })
  const commits = new Histogram({
    name: 'signpost_commit_seconds',
    help: 'From handing a record over until it is durable',
    labelNames: ['result'],
    buckets: secondsBuckets,
    registers,
  })
  const signBlobCalls = new Counter({
    name: 'signpost_signblob_calls_total',
    help: "Calls of Google's signBlob; quota: refused because there were too many",
    labelNames: ['result'],
    registers,
  })
  const doctors = new Gauge({
    name: 'signpost_doctor_ok',
    help: 'What the doctor found last at a connector: 1 no check failed, 0 some did',
    labelNames: ['connector'],
    registers,
  })
  const logSources = logSourceMetrics(registers)
  const auditSinks = auditSinkMetrics(registers)
  if (options.process) collectDefaultMetrics({ register: registry })
  return {
    request(operation, status, milliseconds) {
      requests.inc({ operation, status })
      durations.observe({ operation }, milliseconds / 1000)
    },
    url(kind, action, decision, count = 1) {
      const labels = `${kind} ${action} ${decision}`
      decided.set(labels, (decided.get(labels) ?? 0) + count)
    },
    commit: (milliseconds, ok) => commits.observe({ result: ok ? 'ok' : 'failed' }, milliseconds / 1000),
    signBlob: (result) => signBlobCalls.inc({ result }),
    doctor: (connector, ok) => doctors.set({ connector }, Number(ok)),
    logSources,
    auditSinks,
    render: () => registry.metrics(),
    contentType: registry.contentType,
  }
}

/** Gauges, also of what only grows: replicas read the same sums from the database. */
function logSourceMetrics(registers: Registry[]): Metrics['logSources'] {
  const gauge = (name: string, help: string, more: string[] = []) =>
    new Gauge({ name, help, labelNames: ['source', ...more], registers })
  const files = gauge('signpost_log_files', 'Files of a log source that wait, or were given up', ['state'])
  const lines = gauge('signpost_log_lines', 'Lines read of a log source', ['result'])
  const lastAccess = gauge(
    'signpost_log_last_access_timestamp_seconds',
    'Time of the newest access that a log source told of',
  )
  const lastArrival = gauge(
    'signpost_log_last_arrival_timestamp_seconds',
    'When something new of a log source came last',
  )
  const troubles = gauge('signpost_log_source_ok', '1: nothing went wrong the last time; 0: something did')
  return (sources) => {
    for (const one of [files, lines, lastAccess, lastArrival, troubles]) one.reset()
    for (const { name: source, state } of sources) {
      files.set({ source, state: 'waiting' }, state.waiting)
      files.set({ source, state: 'failed' }, state.failed)
      lines.set({ source, result: 'parsed' }, state.lines - state.unparsed)
      lines.set({ source, result: 'unparsed' }, state.unparsed)
      troubles.set({ source }, Number(state.problem === null))
      if (state.lastAccessAt !== null) lastAccess.set({ source }, Date.parse(state.lastAccessAt) / 1000)
      if (state.lastArrivalAt !== null) lastArrival.set({ source }, Date.parse(state.lastArrivalAt) / 1000)
    }
  }
}

/** Gauges, also of what only grows: replicas read the same sums from the database. */
function auditSinkMetrics(registers: Registry[]): Metrics['auditSinks'] {
  const gauge = (name: string, help: string, more: string[] = []) =>
    new Gauge({ name, help, labelNames: ['sink', ...more], registers })
  const lag = gauge('signpost_audit_sink_lag_events', 'Audit events that were not sent to a sink yet')
  const wait = gauge('signpost_audit_sink_lag_seconds', 'How long the oldest of them has waited')
  const events = gauge('signpost_audit_sink_events', 'Audit events sent to a sink', ['result'])
  const lastSent = gauge('signpost_audit_sink_last_sent_timestamp_seconds', 'When it last took something')
  const troubles = gauge('signpost_audit_sink_ok', '1: nothing went wrong the last time; 0: something did')
  return (sinks) => {
    for (const one of [lag, wait, events, lastSent, troubles]) one.reset()
    for (const { name: sink, state } of sinks) {
      lag.set({ sink }, state.lagEvents)
      wait.set({ sink }, state.lagSeconds)
      events.set({ sink, result: 'taken' }, state.sent - state.rejected)
      events.set({ sink, result: 'rejected' }, state.rejected)
      troubles.set({ sink }, Number(state.problem === null))
      if (state.lastSentAt !== null) lastSent.set({ sink }, Date.parse(state.lastSentAt) / 1000)
    }
  }
}
