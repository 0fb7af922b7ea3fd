export { openLocalStore } from './open-local-store.ts'
export type { LocalStore, LocalStoreCredential, LocalStoreOptions } from './types.ts'
