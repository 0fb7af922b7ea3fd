/** What is to be made of a request, and its line in the ledger. */
import type { Holder, Ledger } from './ledger.ts'
import type { LoggedStore } from './logged-store.ts'

export const teams = ['red', 'blue', 'green'] as const

/** What comes of it: `finding reason`, and with `user` of it the holder's name. */
export interface Outcome {
  told: string
  /** Put down to the holder. */
  isTheirs?: boolean
}

/** Of a team, or of one with its connector (`near-red`). */
export function namesOf({ connectors }: LoggedStore, team: string): 'grant' | 'user' | 'nobody' {
  return connectors[teams.findIndex((one) => team.endsWith(one))]!.names
}

/** What the store refuses it does not vouch for. */
export function honestOutcome(store: LoggedStore, { team, namesGrant }: Holder, status: number): Outcome {
  if (status === 403) return { told: 'refused refused_by_store' }
  if (namesGrant) return { told: 'matched grant', isTheirs: true }
  if (namesOf(store, team) === 'user') return { told: 'matched user_and_object', isTheirs: true }
  return { told: 'likely object_and_time' }
}

/** That a URL names; of Azure, it may be the user that it names. */
export function grantIn(url: string): string {
  const { searchParams } = new URL(url)
  return searchParams.get('X-Grant') ?? searchParams.get('scid') ?? ''
}

interface Noted {
  tag: string
  method: string
  url: string
  status: number
  outcome: Outcome
  holder?: Holder
}

export function note(ledger: Ledger, store: LoggedStore, what: string, noted: Noted): void {
  const { tag, method, url, status, outcome, holder } = noted
  const who = outcome.isTheirs ? `${holder!.user}/${holder!.team}` : '-'
  const place = store.tells.agents ? tag : blobPlace(method, url)
  ledger.done.push({
    what: `${what} (${method} ${url.split('?')[0]})`,
    place,
    told: `${outcome.told} ${who} ${status}`,
  })
}

/** As the parser of Azurite's log names what was done. */
function blobPlace(method: string, url: string): string {
  const [path = '', query = ''] = url.replace(/^\w+:\/\/[^/]+/, '').split('?')
  const component = /(?:^|&)(comp=[a-z]+)/i.exec(query)?.[1] ?? ''
  const key = path.split('/').slice(3).map(decodeURIComponent).join('/')
  return `${`${method} ${component}`.trim()} ${key}`
}
