/** Around Signpost, with keys that the store takes: one row a way, and what is to be made of it. */
import assert from 'node:assert/strict'
import { attack, type Scene } from './hostile.ts'
import { prepared } from './honest.ts'
import type { Forgery } from './logged-store.ts'
import { note } from './notes.ts'

const resigned = ({ hasOtherKey }: Scene) => `not_issued_here other_${hasOtherKey ? 'signer' : 'signature'}`

/** Around Signpost, with keys that the store takes. */
export const forgeries: Record<string, (scene: Scene) => { wish: Partial<Forgery>; told: string }> = {
  'the bucket’s own key, in the name of a user': ({ marker, isAzure }) => ({
    wish: { user: marker, expiresAt: Math.ceil(Date.now() / 1000) * 1000 + 999_000 },
    told: `not_issued_here ${isAzure ? 'other_signature' : 'no_grant_marker'}`,
  }),
  'the bucket’s own key, in nobody’s name': () => ({ wish: {}, told: 'not_issued_here no_marker' }),
  'the bucket’s own key, with a grant of another second': (scene) => {
    const wish = copied(scene)
    const moved = { signedAt: wish.signedAt - 5000, expiresAt: wish.expiresAt - 5000 }
    return { wish: { ...wish, ...moved }, told: resigned(scene) }
  },
  'the bucket’s own key, with all of a URL but its object': (scene) => ({
    wish: { ...copied(scene), key: `${scene.inBucket}-stolen` },
    told: scene.names === 'user' ? 'not_issued_here no_grant' : resigned(scene),
  }),
  'the bucket’s own key, with all of a URL but what it may: to write': (scene) => ({
    wish: { ...copied(scene), method: 'PUT' },
    told: resigned(scene),
  }),
  'the bucket’s own key, with all of a URL but what it may: to delete': (scene) => ({
    wish: { ...copied(scene), method: 'DELETE' },
    told: resigned(scene),
  }),
  'another key, with all of a URL': (scene) => ({
    wish: { ...copied(scene), by: 'other' },
    told: scene.isAzure ? 'marker_tampered unsigned_marker' : 'not_issued_here other_signer',
  }),
}

/** All that a URL to read shows, but its signature. */
function copied({ read: { issued }, marker, names }: Scene) {
  const text = new URL(issued.url).searchParams
  const basic = text.get('X-Amz-Date') ?? text.get('X-Goog-Date') ?? ''
  const signedAt = Date.parse(basic.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, '$1-$2-$3T$4:$5:$6Z'))
  return {
    user: marker,
    ...(names === 'grant' ? { grant: issued.grantId } : {}),
    signedAt: Number.isNaN(signedAt) ? 0 : signedAt,
    expiresAt: Date.parse(issued.expiresAt),
  }
}

export async function forge(scene: Scene, what: string): Promise<void> {
  const { work, inBucket, isAzure } = scene
  const { store, ledger } = work.world
  const { wish, told } = forgeries[what]!(scene)
  const signedAt = Math.floor(Date.now() / 1000) * 1000 - 2000
  const whole = { by: 'own', method: 'GET', key: inBucket, signedAt, expiresAt: signedAt + 900_000 } as const
  const made = await store.forge({ ...whole, ...wish })
  assert.ok(made)
  const method = wish.method ?? 'GET'
  const body = method === 'PUT' ? Buffer.from('forged') : undefined
  // On Ceph what a session of the role has written is not the owner's.
  const refused = scene.hasOtherKey ? { refused: '* whatever', isTold: true } : {}
  await attack(scene, what, { method, ...made, body }, { taken: told, ...refused })
  if (method === 'DELETE') await prepared(work, scene.key)
  if (!store.direct || isAzure || what !== 'the bucket’s own key, in nobody’s name') return
  const tag = ledger.tag()
  const status = await store.direct('GET', inBucket, tag)
  const outcome = { told: `not_issued_here ${store.tells.direct}` }
  note(ledger, store, 'by a header', { tag, method: 'GET', url: made.url, status, outcome })
}
