/** How a connector is printed. */
import type { Connector } from '@signpost/contract'
import type { Context } from './context.ts'
import { policyLines } from './policy-flags.ts'
import { printableLine } from './text.ts'

export const connectorColumns = {
  NAME: (found: Connector) => found.name,
  KIND: (found: Connector) => found.kind,
  BUCKET: (found: Connector) => JSON.stringify(found.settings['bucket'] ?? null).replaceAll('"', ''),
  TEAM: (found: Connector) => found.team ?? '(organisation)',
  DEFAULT: (found: Connector) => (found.isDefault ? 'default' : ''),
}

export function showConnector(context: Context, connector: Connector): void {
  if (context.json) return context.printJson(connector)
  context.printList([connector], connectorColumns)
  context.print(`  address: ${printableLine(connector.address)}`)
  for (const [name, value] of Object.entries(connector.settings)) {
    if (name === 'name' || name === 'kind' || name === 'bucket') continue
    context.print(`  ${name}: ${printableLine(shown(value))}`)
  }
  policyLines(connector.policy).forEach(context.print)
}

/** `{"type": "static", "accessKeyId": {"file": "id"}}` -> `type static, accessKeyId (file id)` */
function shown(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  if (Array.isArray(value))
    return value.map((one) => (typeof one === 'object' ? `(${shown(one)})` : String(one))).join(' ')
  return Object.entries(value)
    .map(
      ([name, one]) => `${name} ${typeof one === 'object' && one !== null ? `(${shown(one)})` : String(one)}`,
    )
    .join(', ')
}
