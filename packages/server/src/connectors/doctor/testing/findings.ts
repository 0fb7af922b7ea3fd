/** For tests: examines a bucket, and compares what was found with what is found at the same bucket when nothing is broken. */
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import type { Check, ResolvedSettings } from '@signpost/contract'
import { openConnector } from '../../index.ts'
import { examineBucket, type DoctorDeps, type Examination, type ExamineOptions } from '../index.ts'

export const testOrigin = 'https://app.example'

export type Circumstances = Partial<Omit<Examination, 'settings' | 'open'>> &
  ExamineOptions & { deps?: Partial<DoctorDeps> }

export const anywhere: Examination['policy'] = {
  networks: [],
  allowsAddress: () => true,
  writes: undefined,
}

export async function findings(
  settings: ResolvedSettings,
  circumstances: Circumstances = {},
): Promise<Check[]> {
  const { totalMs, checkMs, signal, deps, ...given } = circumstances
  const open = openConnector(settings, { clock: Date.now, fetch })
  try {
    const { checks } = await examineBucket(
      { settings, open, prefix: 'team/', isShared: true, origins: [testOrigin], policy: anywhere, ...given },
      { fetch, clock: Date.now, newId: randomUUID, ...deps },
      {
        signal,
        ...(totalMs === undefined ? {} : { totalMs }),
        ...(checkMs === undefined ? {} : { checkMs }),
      },
    )
    return checks
  } finally {
    open.close()
  }
}

/** `result name` of what did not pass, without what there was no way to look at. */
export function troubles(checks: readonly Check[]): string[] {
  return checks
    .filter(({ result }) => result === 'warn' || result === 'fail')
    .map(({ name, result }) => `${result} ${name}`)
}

/**
 * The breakage must give exactly these, beside what was there before; everything else must be as it was, or not looked at
 * because of it. Nothing may show a secret.
 */
export function assertFound(
  found: readonly Check[],
  healthy: readonly Check[],
  expected: readonly string[],
  secrets: readonly string[],
): void {
  const before = troubles(healthy)
  assert.deepEqual(
    troubles(found).filter((one) => !before.includes(one)),
    expected,
    JSON.stringify(
      found.filter(({ result }) => result !== 'pass'),
      null,
      1,
    ),
  )
  for (const { fix, result, name, seen } of found) {
    if (result === 'fail' || result === 'warn') assert.ok(fix, `${name} says no fix`)
    else assert.equal(fix, null, name)
    assert.match(seen, /.{3}\.$/s, name)
    assert.doesNotMatch(fix ?? '', /\.$/, name)
  }
  assert.deepEqual(
    found.map(({ name }) => name),
    healthy.map(({ name }) => name),
  )
  for (const secret of secrets) assert.ok(!JSON.stringify(found).includes(secret))
}
