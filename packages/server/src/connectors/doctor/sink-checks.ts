/** Whether the audit trail gets to where it is sent: what is decided here would else be known here alone. */
import type { DoctorCheck } from './check.ts'
import { pass, unseen, warn, type Finding } from './finding.ts'
import type { Patient, SinkFacts } from './patient.ts'

export const sinkChecks: readonly DoctorCheck[] = [
  {
    name: 'trail.sent',
    means:
      "An audit sink of the organisation does not take the trail, or is far behind: what happened is not known where it is watched. Looked at with the organisation's connectors.",
    mends:
      'See why: `signpost audit sink list`; `signpost audit sink test SINK` sends one event. Nothing is lost meanwhile: the trail is the buffer.',
    run: sent,
  },
]

function sent({ sinks }: Patient): Finding {
  if (sinks === undefined) return unseen("Audit sinks are looked at with the organisation's connectors.")
  if (sinks.length === 0)
    return unseen('No audit sink is there, or none is switched on: the trail is sent nowhere.')
  const failing = sinks.filter(({ failures }) => failures > 0)
  const late = sinks.filter(({ failures, lateSeconds }) => failures === 0 && lateSeconds > 0)
  const [first] = [...failing, ...late]
  if (first === undefined) return pass('Every audit sink takes what it is sent.')
  const said = [...failing.map(failingText), ...late.map(lateText)]
  const more = said.length > 3 ? `; and ${said.length - 3} more` : ''
  return warn(
    `${said.slice(0, 3).join('; ')}${more}.`,
    `see why: \`signpost audit sink list\`, \`signpost audit sink test ${first.name}\``,
    `signpost audit sink test ${first.name}`,
  )
}

function failingText({ name, failures, lateSeconds }: SinkFacts): string {
  const times = failures === 1 ? 'once' : `${failures} times in a row`
  return `Audit sink ${name} did not take what it was sent, ${times}${lateSeconds > 0 ? `; ${waited(lateSeconds)}` : ''}`
}

function lateText({ name, lateSeconds }: SinkFacts): string {
  return `Audit sink ${name} is behind: ${waited(lateSeconds)}`
}

function waited(seconds: number): string {
  const minutes = Math.round(seconds / 60)
  return `its oldest event has waited ${minutes < 120 ? `${minutes} minutes` : `${Math.round(minutes / 60)} hours`}`
}
