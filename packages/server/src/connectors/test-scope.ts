import type { SigningScope } from '../domain/connector.ts'

/** For tests: the scope of somebody in a team whose objects are the whole bucket. */
export function testScope(over: Partial<SigningScope> = {}): SigningScope {
  return {
    requester: { id: 'p-1', username: 'ana@example.com', pseudonym: 'p-81c2' },
    team: 'team',
    prefix: '',
    action: 'write',
    networks: [],
    until: Date.now() + 3_600_000,
    ...over,
  }
}
