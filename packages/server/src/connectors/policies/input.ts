import type { ConnectorSettings, WritePolicy } from '@signpost/contract'
import type { S3Store } from './s3-stores.ts'

/** Where the URLs of a part of the bucket may be used from. */
export interface NetworkRule {
  /** Of whom it is: stands in the statement's name. Empty: the whole bucket's. */
  name: string
  prefix: string
  /** Never empty. */
  networks: readonly string[]
}

/** What the documents of one bucket are made from. Of the credential nothing is used but what may be shown. */
export interface PolicyInput {
  settings: ConnectorSettings
  networkRules: readonly NetworkRule[]
  /** What the objects of its teams begin with; `['']`: the whole bucket. */
  prefixes: readonly string[]
  expiry: { readSecondsMax: number; writeSecondsMax: number }
  writes: WritePolicy | undefined
  /** Of pages that reach the bucket. */
  origins: readonly string[]
  uploadSecondsMax: number
  /** What was found out about an S3 store. */
  store: StoreFacts
}

export interface StoreFacts {
  kind: S3Store
  /** Whose the signing credential is, as the store's policies name it; null: not known. */
  signer: string | null
  /** From where this server reaches the store; null: not known. */
  ownAddress: string | null
}
