/** Which connector a line of a log is about: by bucket and account, and by who signed where two stores have a bucket of one name. */
import type { AccessLogRecord } from './access-log-record.ts'
import { fitOfBucket } from './signer-fit.ts'
import type { GrantFacts, KnownBucket } from './verdict.ts'

/** A connector as it is stored: nothing secret is read. */
export interface StoredConnector {
  id: string
  name: string
  kind: KnownBucket['kind']
  location: string
  /** JSON */
  settings: string
}

export interface BucketPlace extends KnownBucket {
  /** The same for all connectors to the bucket: what accesses are told apart by. */
  location: string
  signers: Set<string>
  roles: Set<string>
  /** Ids of its connectors by their names. */
  ids: Map<string, string>
  /** Of those that were deleted, where there is another one. */
  formerIds: Map<string, string>
  /** No connector opens it any more. */
  isFormer: boolean
}

export interface KnownBuckets {
  /** Undefined: it is nobody's, or more than one could be meant. */
  of(record: Pick<AccessLogRecord, 'bucket' | 'account' | 'signers' | 'urlSigner'>): BucketPlace | undefined
}

/** Names that past grants were signed with, at most, of a bucket. */
const signersMax = 10_000

/**
 * `only`: the connector that a source tells of; lines of other buckets are not looked at. `former`: connectors that were
 * deleted. Their URLs live on, and whoever knows their keys still has them: what is told of their buckets is looked at too.
 */
export function knownBucketsOf(
  connectors: readonly StoredConnector[],
  only: string | null,
  former: readonly StoredConnector[] = [],
): KnownBuckets {
  const places = new Map<string, BucketPlace>()
  const locations = new Map<string, Set<string>>()
  for (const { name, location } of [...connectors, ...former])
    locations.set(name, (locations.get(name) ?? new Set()).add(location))
  for (const connector of connectors) addConnector(places, locations, connector, false)
  for (const connector of former) addConnector(places, locations, connector, true)
  const onlyAt = [...connectors, ...former].find(({ id }) => id === only)?.location
  const own = [...places.values()].filter(({ location }) => only === null || location === onlyAt)
  const byName = new Map<string, readonly BucketPlace[]>()
  for (const place of own) byName.set(place.bucket, [...(byName.get(place.bucket) ?? []), place])
  const none: readonly BucketPlace[] = []
  return {
    of(record) {
      const { bucket, account } = record
      const named = bucket === null ? (only === null ? none : own) : (byName.get(bucket) ?? none)
      if (named.length < 2 && account === null) return named[0]
      const fitting =
        account === null
          ? named
          : named.filter((place) => place.account === null || place.account === account)
      // One that is there goes before one that was, whoever signed: deleting a connector takes no line away from another.
      const present = fitting.filter(({ isFormer }) => !isFormer)
      const meant = present.length > 0 ? present : fitting
      if (meant.length < 2) return meant[0]
      const signed = meant.filter((place) => fitOfBucket(record, place) === 'same')
      return signed.length === 1 ? signed[0] : undefined
    },
  }
}

/** What a grant says of who signs for its bucket. */
export function noteSigner(place: BucketPlace, { signer, connector }: GrantFacts): void {
  if (signer === null || place.signers.has(signer)) return
  if (!place.ids.has(connector) || place.signers.size >= signersMax) return
  // A copy: as a piece of the text it was read from it would hold all of that.
  place.signers.add(Buffer.from(signer).toString())
}

function addConnector(
  places: Map<string, BucketPlace>,
  locations: ReadonlyMap<string, ReadonlySet<string>>,
  connector: StoredConnector,
  isFormer: boolean,
): void {
  const settings = JSON.parse(connector.settings) as Record<string, unknown>
  const bucket = textOf(settings['bucket'])
  if (bucket === null) return
  let place = places.get(connector.location)
  if (!place) {
    place = {
      connectorId: connector.id,
      connector: connector.name,
      kind: connector.kind,
      bucket,
      account: textOf(settings['account']),
      location: connector.location,
      signers: new Set(),
      roles: new Set(),
      hasSessions: false,
      isElsewhere: (name) => locations.get(name)?.has(connector.location) === false,
      ids: new Map(),
      formerIds: new Map(),
      isFormer,
    }
    places.set(connector.location, place)
  }
  // A key that was taken away with its connector signs for the bucket no more.
  const isMeant = isFormer === place.isFormer
  const ids = isMeant ? place.ids : place.formerIds
  if (!ids.has(connector.name)) ids.set(connector.name, connector.id)
  if (isMeant) addSigners(place, settings['credential'], place.account)
}

/** Public names only; those that are references, or come with sessions, are learnt from grants. */
function addSigners(place: BucketPlace, credential: unknown, account: string | null): void {
  if (typeof credential !== 'object' || credential === null) return
  const fields = credential as Record<string, unknown>
  for (const name of ['accessKeyId', 'accessId', 'clientEmail', 'serviceAccount']) {
    const value = textOf(fields[name])
    if (value !== null) place.signers.add(value)
  }
  const teams = fields['teamServiceAccounts']
  if (Array.isArray(teams))
    for (const one of teams as Record<string, unknown>[]) {
      const value = textOf(one['serviceAccount'])
      if (value !== null) place.signers.add(value)
    }
  const role = /^arn:[^:]*:(?:iam|sts)::(\d*):role\/(?:.*\/)?([^/]+)$/.exec(textOf(fields['roleArn']) ?? '')
  if (role) place.roles.add(role[1] === '' ? role[2]! : `${role[1]}/${role[2]}`)
  const type = textOf(fields['type'])
  if (type === 'accountKey' && account !== null) place.signers.add(account)
  else if (type !== 'static' && place.kind !== 'gcs') place.hasSessions = true
  else if (typeof fields['accessKeyId'] === 'object') place.hasSessions = true
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? value : null
}
