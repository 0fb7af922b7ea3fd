/** What people do who are not honest, or no longer may: one row a way, and what is to be made of it. */
import type { IssuedUrl } from '@signpost/contract'
import { issue, type Work } from './honest.ts'
import type { Outcome } from './notes.ts'
import type { Holder } from './ledger.ts'
import type { Sent } from './logged-store.ts'

export interface Scene {
  work: Work
  /** An object that is there, relative to the team and in the bucket; nobody else has had a URL for it. */
  key: string
  inBucket: string
  names: 'grant' | 'user' | 'nobody'
  isAzure: boolean
  /** The bucket's own key that is used around Signpost is not the one that this team's URLs are signed with. */
  hasOtherKey: boolean
  /** Alice's, and how they name her. */
  read: { issued: IssuedUrl; holder: Holder }
  write: { issued: IssuedUrl; holder: Holder }
  marker: string
  /** As somebody else would be named. */
  otherMarker: string
}

/** What the store's log is to be taken for, by whether the store took it; left out: it must not do so. */
interface Expected {
  taken?: Outcome | string
  refused?: string
  /** Refused, but not for its signature. */
  isTold?: boolean
}

type Way = (scene: Scene) => Promise<unknown>

const markerNames = /(^|&)(X-User|x-goog-custom-audit-user|scid)=[^&]*/g
const grantNames = /(^|&)(X-Grant|x-goog-custom-audit-grant)=[^&]*/g

function query(sent: Sent, edit: (query: string) => string): Sent {
  const [path, text = ''] = sent.url.split('?')
  return { ...sent, url: `${path}?${edit(text).replace(/^&/, '')}` }
}

const asSent = ({ issued: { method, url, headers } }: Scene['read'], more: Partial<Sent> = {}): Sent => ({
  method,
  url,
  ...more,
  headers: { ...headers, ...more.headers },
})

const theirs = (told: string): Outcome => ({ told, isTheirs: true })

/** Of what is refused Ceph's log says nothing. */
export async function attack(
  scene: Scene,
  what: string,
  sent: Sent,
  expected: Expected,
  holder = scene.read.holder,
) {
  const { world } = scene.work
  const outcome = (status: number) => {
    const isTaken = status < 300 || status === 404
    const told = isTaken ? expected.taken : expected.refused
    if (told === undefined) throw new Error(`${what}: the store answered ${status}`)
    if (!isTaken && !world.store.tells.refusals && !expected.isTold) return undefined
    return typeof told === 'string' ? { told } : told
  }
  return world.send(what, sent, outcome, holder)
}

const tampered = (told: string, edit: (query: string, scene: Scene) => string): Way => {
  return (scene) =>
    attack(
      scene,
      told,
      query(asSent(scene.read), (text) => edit(text, scene)),
      { taken: told, refused: told },
    )
}
const refused = (told: (scene: Scene) => string, change: (sent: Sent, scene: Scene) => Sent): Way => {
  return (scene) => attack(scene, 'is refused', change(asSent(scene.read), scene), { refused: told(scene) })
}

const nameOf = ({ isAzure }: Scene) => (isAzure ? 'scid' : 'X-User')

export const ways: Record<string, Way> = {
  'puts a second user in front': tampered(
    'marker_tampered several_users',
    (text, scene) => `${nameOf(scene)}=${scene.otherMarker}&${text}`,
  ),
  'puts a second user behind': tampered(
    'marker_tampered several_users',
    (text, scene) => `${text}&${nameOf(scene)}=${scene.otherMarker}`,
  ),
  'puts the same user there twice': async (scene) => {
    const { issued, holder } = scene.read
    const twice = query(asSent(scene.read), (text) => `${nameOf(scene)}=${scene.marker}&${text}`)
    // Google's URLs have each name under two parameters, so the same one twice is nothing odd; the store refused.
    const isGoogle = issued.url.includes('X-Goog-')
    const told = isGoogle ? 'refused refused_by_store' : 'marker_tampered several_users'
    await attack(scene, 'the same user twice', twice, { taken: told, refused: told }, holder)
  },
  'puts a second user there in other letters': tampered(
    'marker_tampered several_users',
    (text, scene) => `${nameOf(scene).toUpperCase()}=${scene.otherMarker}&${text}`,
  ),
  'puts a second user there, encoded': tampered(
    'marker_tampered several_users',
    (text, scene) =>
      `${nameOf(scene).replace('X-', 'X%2D').replace('sc', 's%63')}=${scene.otherMarker}&${text}`,
  ),
  'puts a second grant there': async (scene) => {
    if (scene.isAzure) return
    await tampered(
      'marker_tampered several_grants',
      (text) => `X-Grant=${scene.write.issued.grantId}&${text}`,
    )(scene)
  },
  'writes the name in other letters': async (scene) => {
    if (!scene.isAzure)
      await tampered('marker_tampered odd_name', (text) => text.replace('X-User=', 'x-user='))(scene)
  },
  'takes the user out': refused(
    ({ isAzure }) => (isAzure ? 'not_issued_here no_marker' : 'marker_tampered user_stripped'),
    (sent) => query(sent, (text) => text.replaceAll(markerNames, '')),
  ),
  'takes the grant out': async (scene) => {
    if (scene.isAzure) return
    await refused(
      () => 'refused no_grant_marker',
      (sent) => query(sent, (text) => text.replaceAll(grantNames, '')),
    )(scene)
  },
  'takes both out': refused(
    () => 'not_issued_here no_marker',
    (sent) => query(sent, (text) => text.replaceAll(grantNames, '').replaceAll(markerNames, '')),
  ),
  'names somebody else': refused(
    () => 'refused refused_by_store',
    (sent, { otherMarker }) => query(sent, (text) => text.replaceAll(markerNames, `$1$2=${otherMarker}`)),
  ),
  'changes the signature': refused(
    () => 'refused refused_by_store',
    (sent) => query(sent, (text) => text.replace(/((?:Signature|sig)=)[^&]{4}/, '$1aaaa')),
  ),
  'takes another object': refused(
    ({ names }) => (names === 'user' ? 'refused refused_by_store' : 'beyond_grant other_key'),
    (sent, { inBucket }) => {
      const path = inBucket.split('/').map(encodeURIComponent).join('/')
      return { ...sent, url: sent.url.replace(path, `${path}-other`) }
    },
  ),
  'writes by a URL to read': refused(
    () => 'beyond_grant other_action',
    (sent) => ({
      ...sent,
      method: 'PUT',
      body: Buffer.from('x'),
      headers: { 'x-ms-blob-type': 'BlockBlob' },
    }),
  ),
  'reads by a URL to look': async (scene) => {
    const look = await issue(scene.work, {
      action: 'read',
      key: scene.key,
      method: 'HEAD',
      // Not the end of the URL to read, by which a log that names the user alone tells them apart.
      expiresInSeconds: 1234,
    })
    const told = 'beyond_grant other_method'
    // A SAS binds permissions, and no method.
    const expected = scene.isAzure ? { taken: theirs(told) } : { refused: told }
    await attack(scene, 'reads', asSent(look, { method: 'GET' }), expected, look.holder)
  },
  'copies by a header': async (scene) => {
    const { world } = scene.work
    if (scene.isAzure) return
    const copy = { 'x-amz-copy-source': `/${world.store.bucket}/${scene.work.team}/of%20alice/plain.bin` }
    const sent = asSent(scene.write, { headers: copy, body: Buffer.alloc(0) })
    // Sessions of a role may read nothing by a URL to write.
    const isTaken = world.store.takesCopies && !scene.hasOtherKey
    const expected = isTaken
      ? { taken: theirs('beyond_grant copy') }
      : { refused: '* whatever', isTold: true }
    await attack(scene, 'copies', sent, expected, scene.write.holder)
  },
  'takes a part for another, and for the whole': async (scene) => {
    const { work, key, isAzure } = scene
    const { person, team, world } = work
    const params = { team }
    const { uploadId } = await person.signpost.call('openUpload', { params, body: { key: `${key}-parts` } })
    const { parts } = await person.signpost.call('signParts', {
      params: { team, uploadId },
      body: { partNumbers: [1] },
    })
    const part = { issued: parts[0]!, holder: world.holder(person.username, team, parts[0]!) }
    const block = Buffer.from('another-block-00000000000000000000').toString('base64')
    const sent = asSent(part, { body: Buffer.from('part') })
    const other = query(sent, (text) =>
      text
        .replace('partNumber=1', 'partNumber=2')
        .replace(/blockid=[^&]*/, `blockid=${encodeURIComponent(block)}`),
    )
    const [asOther, asWhole] = [`beyond_grant ${isAzure ? 'upload' : 'part'}`, 'beyond_grant part']
    const by = (told: string) => (isAzure ? { taken: theirs(told) } : { refused: told })
    await attack(scene, 'another part', other, by(asOther), part.holder)
    const whole = query(sent, (text) =>
      text.replaceAll(/(^|&)(partNumber|uploadId|comp|blockid|x-id)=[^&]*/g, ''),
    )
    whole.headers = { ...whole.headers, 'x-ms-blob-type': 'BlockBlob' }
    await attack(scene, 'the whole', whole, by(asWhole), part.holder)
  },
  'has no URL at all': async (scene) => {
    const { store } = scene.work.world
    const url = scene.read.issued.url.split('?')[0]!
    const isTold = store.tells.direct !== 'untold'
    const [refused, taken] = isTold
      ? ['refused anonymous', 'not_issued_here anonymous']
      : ['not_issued_here untold', 'not_issued_here untold']
    await attack(scene, 'nobody', { method: 'GET', url }, { refused, taken, isTold: true })
  },
  'calls itself Signpost': async ({ read, work: { world } }) => {
    // The tag stands in the logs, where who reads them may find it.
    const tag = /signpost\/[\w.]+ \([\w-]{22}\)/.exec(world.log())?.[0] ?? 'signpost/1 (nothing)'
    await world.use(read.holder, read.issued, { headers: { 'user-agent': tag }, what: 'as Signpost' })
  },
}
