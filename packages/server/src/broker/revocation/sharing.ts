/** Which connectors stand or fall together: by bucket, by credential, by storage account. */
import type { ConnectorRow } from '../../store/connectors.ts'
import { listConnectors } from '../../store/connectors.ts'
import type { BrokerDeps } from '../deps.ts'

/** Names of connectors, the one that is asked about among them. */
export interface Sharing {
  bucket: ReadonlySet<string>
  credential: ReadonlySet<string>
  account: ReadonlySet<string>
}

const rowsPerRead = 500

export async function listAllConnectors({ store }: Pick<BrokerDeps, 'store'>): Promise<ConnectorRow[]> {
  const all: ConnectorRow[] = []
  let after: string | undefined
  do {
    const rows = await listConnectors(store.db, {}, { limit: rowsPerRead, after })
    all.push(...rows.slice(0, rowsPerRead))
    after = rows.length > rowsPerRead ? rows[rowsPerRead - 1]?.name : undefined
  } while (after !== undefined)
  return all
}

export function sharingOf(row: ConnectorRow, all: readonly ConnectorRow[]): Sharing {
  const named = (sameAs: (other: ConnectorRow) => boolean) =>
    new Set([row.name, ...all.filter(sameAs).map(({ name }) => name)])
  const [credential, account] = [credentialOf(row), accountOf(row)]
  return {
    bucket: named(({ location }) => location === row.location),
    credential: named((other) => credentialOf(other) === credential),
    account: named((other) => accountOf(other) === account),
  }
}

interface Shown {
  credential?: Record<string, unknown>
  account?: string
}

/** The public half of who signs: what the stored settings show of it is no secret. */
function credentialOf({ kind, settings }: ConnectorRow): string {
  const { credential = {}, account } = JSON.parse(settings) as Shown
  const names = ['roleArn', 'serviceAccount', 'clientEmail', 'accessId', 'accessKeyId', 'clientId']
  const name = names.find((one) => credential[one] !== undefined)
  const who = name === undefined ? [credential['type'], credential['profile'], account] : [credential[name]]
  return JSON.stringify([kind, ...who])
}

function accountOf({ kind, location, settings }: ConnectorRow): string {
  const { account } = JSON.parse(settings) as Shown
  // The host too: accounts of two clouds may have the same name.
  return JSON.stringify([kind, account ?? '', location.split(' ')[1]])
}
