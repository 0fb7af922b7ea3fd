/** Test support: what the documents of a bucket are made from. */
import { ConnectorSettings } from '@signpost/contract'
import type { NetworkRule, PolicyInput, StoreFacts } from './input.ts'
import type { S3PolicyInput } from './s3-network.ts'
import type { S3Store } from './s3-stores.ts'

const given: Omit<PolicyInput, 'settings'> = {
  networkRules: [],
  prefixes: [''],
  expiry: { readSecondsMax: 3600, writeSecondsMax: 86_400 },
  writes: undefined,
  origins: ['https://app.example'],
  uploadSecondsMax: 7 * 86_400,
  store: { kind: 'other', signer: null, ownAddress: null },
}

/** By default a bucket at AWS; `store` says which other it is. */
export function s3Input(
  store: S3Store,
  more: Partial<Omit<PolicyInput, 'settings' | 'store'>> & {
    store?: Partial<StoreFacts>
    settings?: object
  } = {},
): S3PolicyInput {
  const { settings, store: facts, ...rest } = more
  const parsed = ConnectorSettings.parse({
    kind: 's3',
    name: 'vision',
    bucket: 'my-bucket',
    region: 'eu-central-1',
    credential: { type: 'static', accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'never-shown' },
    ...settings,
  })
  return {
    ...given,
    ...rest,
    settings: parsed,
    store: { ...given.store, kind: store, ...facts },
  } as S3PolicyInput
}

export function inputOf(settings: object, more: Partial<Omit<PolicyInput, 'settings'>> = {}): PolicyInput {
  return { ...given, ...more, settings: ConnectorSettings.parse(settings) }
}

export function rule(networks: string[], prefix = '', name = ''): NetworkRule {
  return { name, prefix, networks }
}
