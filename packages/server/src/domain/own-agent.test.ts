import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { describe, test } from 'node:test'
import { createOwnAgent } from './own-agent.ts'

describe('own agent', () => {
  const key = randomBytes(32)
  const { userAgent, isOwnAgent } = createOwnAgent([key], '1.2.3')

  test('is the same in every replica, whatever its version', () => {
    assert.match(userAgent, /^signpost\/1\.2\.3 \([\w-]{22}\)$/)
    assert.equal(createOwnAgent([key], '1.2.3').userAgent, userAgent)
    assert.ok(createOwnAgent([key], '2.0.0').isOwnAgent(userAgent))
  })

  test('is known where SDKs and stores put words around it', () => {
    for (const agent of [
      userAgent,
      `[${userAgent}]`,
      `"${userAgent}"`,
      `${userAgent} azsdk-js-azure-storage-blob/12.29.1 (NODE-VERSION v24.0.0; Linux)`,
      `proxy/1 ${userAgent}`,
    ])
      assert.ok(isOwnAgent(agent), agent)
  })

  test('is not that of another deployment, nor what looks like one', () => {
    const other = createOwnAgent([randomBytes(32)], '1.2.3').userAgent
    const [tag = ''] = /[\w-]{22}/.exec(userAgent) ?? []
    for (const agent of [
      null,
      '',
      other,
      'signpost/1.2.3',
      'signpost/1.2.3 ()',
      tag,
      `(${tag})`,
      `curl/8 (${tag})`,
      `notsignpost/1 (${tag})`,
      `signpost/1 (${tag.slice(1)})`,
      `signpost/1 (${tag}x)`,
      userAgent.toUpperCase(),
    ])
      assert.equal(isOwnAgent(agent), false, String(agent))
  })

  test('is known still when the master key was changed', () => {
    const rotated = createOwnAgent([randomBytes(32), key], '1.2.3')
    assert.notEqual(rotated.userAgent, userAgent)
    assert.ok(rotated.isOwnAgent(userAgent))
    assert.ok(rotated.isOwnAgent(rotated.userAgent))
    assert.equal(createOwnAgent([randomBytes(32)], '1').isOwnAgent(userAgent), false)
  })

  test('shows nothing of the key', () => {
    const text = userAgent.slice(userAgent.indexOf('(') + 1, -1)
    assert.ok(!key.toString('base64url').includes(text) && !key.toString('hex').includes(text))
  })
})
