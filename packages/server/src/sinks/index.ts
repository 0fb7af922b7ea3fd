/** Sends a batch to a sink that is no bucket. */
import type { AuditSinkSettings } from '@signpost/contract'
import { sendOtlp } from './otlp.ts'
import { sendSyslog } from './syslog.ts'
import type { Delivery, SinkBatch, SinkDeps, SinkSecrets } from './types.ts'
import { sendWebhook } from './webhook.ts'

export { encodeFile, fileName, isSameFile } from './encode-file.ts'
export type { Delivery, SettingsOf, SinkBatch, SinkDeps, SinkEvent, SinkSecrets } from './types.ts'

export type PushSettings = Exclude<AuditSinkSettings, { kind: 'files' }>
export type SendBatch = (settings: PushSettings, secrets: SinkSecrets, batch: SinkBatch) => Promise<Delivery>

export function createSender(deps: SinkDeps): SendBatch {
  return (settings, secrets, batch) => {
    switch (settings.kind) {
      case 'webhook':
        return sendWebhook(deps, settings, secrets, batch)
      case 'otlp':
        return sendOtlp(deps, settings, secrets, batch)
      case 'syslog':
        return sendSyslog(deps, settings, secrets, batch)
    }
  }
}
