/** What to ask of each route: addresses, queries and bodies that name one thing of a team, or one that is not there. */
import type { Operation, OperationId } from '@signpost/contract'

export interface Names {
  team: string
  username: string
  /** A service account. */
  account: string
  connector: string
  role: string
  key: string
  marker: string
  /** Of an identity provider or a trust rule. */
  name: string
  userId: string
  teamId: string
  uploadId: string
  grantId: string
  /** What an operation calls `id`, by the operation. */
  ids: Partial<Record<OperationId, string>>
}

const noId = '00000000-0000-7000-8000-00000000000f'

export function pathOf(id: OperationId, { path }: Operation, names: Names): string {
  const values: Record<string, string> = {
    team: names.team,
    username: id.endsWith('ServiceAccount') ? names.account : names.username,
    connector: names.connector,
    uploadId: names.uploadId,
    grantId: names.grantId,
    marker: names.marker,
    key: names.key,
    name: names.name,
    scope: 'team',
    role: names.role,
    id: names.ids[id] ?? noId,
  }
  return path.replaceAll(/\{(\w+)\*?\}/g, (_, name: string) => values[name]!)
}

export function queryOf({ query }: Operation, { team, username, key }: Names): string {
  const fields = Object.keys((query as { shape?: object } | undefined)?.shape ?? {})
  const asked = Object.entries({ team, username, key }).filter(([name]) => fields.includes(name))
  return asked.length === 0 ? '' : `?${new URLSearchParams(Object.fromEntries(asked)).toString()}`
}

/** Undefined: the operation takes none. */
export function bodyOf(id: OperationId, { team, username, connector, key, account }: Names): unknown {
  const object = { action: 'read', key }
  const settings = {
    kind: 's3',
    name: 'mine',
    bucket: 'b',
    region: 'r',
    credential: { type: 'static', accessKeyId: 'a', secretAccessKey: 'b' },
  }
  const bodies: Partial<Record<OperationId, unknown>> = {
    issueUrl: object,
    issueUrls: { items: [object] },
    openUpload: { key },
    signParts: { partNumbers: [1] },
    completeUpload: {},
    createTeam: { name: 'mine' },
    updateTeam: { prefix: 'mine/' },
    setMember: { role: 'admin' },
    createUser: { username: 'friend' },
    updateUser: { organisationRole: 'admin' },
    createServiceAccount: { username: 'robot', team },
    updateServiceAccount: { active: false },
    createApiKey: { name: 'k', username: account },
    createConnector: { settings, team, check: false },
    updateConnector: { isDefault: true, check: false },
    runDoctor: {},
    createAuditCheckpoint: {},
    applyNetwork: { digest: 'none' },
    planLogging: {},
    applyLogging: { digest: 'none' },
    verifyLogging: {},
    startMove: { connector, prefix: 'there/' },
    createRole: { name: 'mine', scope: 'team', permissions: [] },
    updateRole: { permissions: [] },
    setRestrictedPrefix: { prefix: 'a/', grants: [{ username, access: 'read' }] },
    explainAccess: { username, team, ...object },
    createRestriction: { team, username, reason: 'x' },
    setBudget: { team, limits: { urlsPerMinute: 1 } },
    createShareLink: { key, expiresInSeconds: 60 },
    planRevocation: { target: { team } },
    revoke: { target: { team }, steps: [{ step: 'stop-issuing' }], reason: 'x' },
    createIdentityProvider: { name: 'x', issuer: 'https://issuer.example', clientId: 'x' },
    updateIdentityProvider: { enabled: false },
    linkIdentity: { issuer: 'https://issuer.example', subject: 'x' },
    createTrustRule: {
      name: 'x',
      issuer: 'https://issuer.example',
      audience: 'x',
      conditions: [{ claim: 'sub', equals: 'x' }],
      username,
    },
    updateTrustRule: { enabled: false },
    testTrustRules: { token: 'x' },
    createLogSource: { name: 'x', format: 's3-server-access', settings: { kind: 'upload' } },
    updateLogSource: { newToken: true },
    setAuditRetention: { trailDays: 30, accessLogDays: null, unparsedDays: null },
    createAuditHold: { name: 'x', reason: 'x' },
    erasePerson: { reason: 'x' },
    createAuditSink: { name: 'x', settings: { kind: 'webhook', url: 'https://sink.example' } },
    updateAuditSink: { enabled: false },
    updateFinding: { state: 'acknowledged' },
    createAlert: { name: 'x', url: 'https://hooks.example/x' },
    updateAlert: { enabled: false },
  }
  return bodies[id]
}

export interface Route {
  method: string
  path: string
}

/** No client of `fetch` sends the others. */
const asked = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'])

/** What Fastify prints of its routes (one segment a line, indented) -> those that are not of the contract. */
export function otherRoutes(printed: string): Route[] {
  const routes: Route[] = []
  const above: string[] = []
  for (const line of printed.split('\n')) {
    const match = /^([│ ]*)[├└]── (\S*)(?: \(([A-Z, ]+)\))?/.exec(line)
    if (!match) continue
    const depth = match[1]!.length / 4
    above.length = depth
    above.push(match[2]!)
    const path = above.join('')
    for (const method of match[3]?.split(', ') ?? [])
      if (!path.startsWith('/v1/') && asked.has(method)) routes.push({ method, path })
  }
  return routes
}
