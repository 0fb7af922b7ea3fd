import assert from 'node:assert/strict'
import { Command } from 'commander'
import { test } from 'node:test'
import type { Policy } from '@signpost/contract'
import type { Io } from './io.ts'
import { namesPolicy, policyLines, policyOf, withPolicyFlags } from './policy-flags.ts'

const io = { stdin: [] } as unknown as Io
const flagsOf = (...args: string[]) => {
  const command = withPolicyFlags(new Command('update').argument('<name>'))
    .exitOverride()
    .configureOutput({ writeErr: () => undefined })
  return command.parse(['vision', ...args], { from: 'user' }).opts()
}
const before: Policy = {
  networks: ['10.0.0.0/8'],
  expiry: { readSecondsMax: 900, writeSecondsMax: 3600 },
  writes: { storageClass: 'STANDARD_IA' },
}

test('options change what they name, and leave the rest of the policy as it was', async () => {
  const change = (...args: string[]) => policyOf(io, flagsOf(...args), before)
  assert.deepEqual(
    await change('--network', '203.0.113.0/24', 'vpce-0123456789abcdef0', '--network', '::1'),
    {
      ...before,
      networks: ['203.0.113.0/24', 'vpce-0123456789abcdef0', '::1'],
    },
  )
  const { networks: _, ...anywhere } = before
  assert.deepEqual(await change('--no-network'), anywhere)
  assert.deepEqual(await change('--read-max', '15m', '--write-max', 'none', '--write-default', '1h'), {
    ...before,
    expiry: { readSecondsMax: 900, writeSecondsDefault: 3600 },
  })
  const { expiry: __, ...unlimited } = before
  assert.deepEqual(await change('--read-max', 'none', '--write-max', 'none'), unlimited)
})

test('without an option the policy is not touched', async () => {
  assert.equal(namesPolicy(flagsOf()), false)
  assert.equal(await policyOf(io, flagsOf(), before), undefined)
})

test('times that are none are refused before anything is sent', () => {
  for (const time of ['1w', '0', '-5', '', 'never'])
    assert.throws(() => flagsOf('--read-max', time), /Write seconds, a time such as 90s/, time)
})

test('a whole policy comes from a file; what is no JSON object is refused', async () => {
  const from = (text: string) =>
    policyOf(
      { stdin: [Buffer.from(text)] } as unknown as Io,
      flagsOf('--policy-file', '-', '--read-max', '60'),
      before,
    )
  assert.deepEqual(await from('{"verification": {"after": false}}\n'), {
    verification: { after: false },
    expiry: { readSecondsMax: 60 },
  })
  for (const text of ['[]', 'null', '"x"', '{'])
    await assert.rejects(from(text), /--policy-file -: must be JSON/, text)
})

test('a policy is shown a line a part', () => {
  assert.deepEqual(policyLines(before), [
    '  networks: 10.0.0.0/8',
    '  readSecondsMax: 900',
    '  writeSecondsMax: 3600',
    '  writes: {"storageClass":"STANDARD_IA"}',
  ])
  assert.deepEqual(policyLines({}), [])
})
