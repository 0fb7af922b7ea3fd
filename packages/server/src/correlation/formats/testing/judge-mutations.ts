/** A broken line is no record or a sound one, whatever is in it: nothing thrown, nothing leaked, nothing without bounds. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AccessLogRecord, ParsedLine } from '../../access-log-record.ts'
import { formatNamed } from '../index.ts'
import { makers, type Maker } from './made-lines.ts'
import { access, mutated, randomFrom, signature, token } from './mutate.ts'

const mutations = 20_000

/** A secret without its name is a text like any other; so those lines are judged in which each still has its own. */
const named = /(?:[?&]|["'])(?:X-(?:Amz|Goog)-(?:Signature|Security-Token)|sig|token)(?:=|":")$/i

function isNamedEverywhere(text: string, secret: string): boolean {
  const parts = text.split(secret.slice(0, 12))
  // Its pieces, where it was cut, repeat themselves: count whole ones only.
  let at = text.indexOf(secret)
  let whole = 0
  for (; at !== -1; at = text.indexOf(secret, at + secret.length)) {
    if (!named.test(text.slice(Math.max(0, at - 40), at))) return false
    whole += 1
  }
  return parts.length - 1 === whole * (secret.length / 12)
}

function judge({ format }: Maker, text: string, parsed: ParsedLine): void {
  const isFine = parsed.outcome === 'record' ? isSound(parsed.record, text) : /^[a-z-]+$/.test(parsed.reason)
  if (!isFine) assert.fail(`${format}: ${JSON.stringify(text)} -> ${JSON.stringify(parsed)}`)
}

function isSound(record: AccessLogRecord, text: string): boolean {
  const json = JSON.stringify(record)
  const { at, identity, markers, status } = record
  const isLeaking = [signature, token].some(
    (secret) => json.includes(secret) && isNamedEverywhere(text, secret),
  )
  const isBounded = json.length < 40_000 && markers.user.length <= 8 && markers.grant.length <= 8
  const isStatus = status === null || (status >= 100 && status < 600)
  return !isLeaking && isBounded && isStatus && identity !== '' && Number.isInteger(at)
}

export function testMutations(shape: 'lines' | 'json'): void {
  for (const maker of makers) {
    const format = formatNamed(maker.format)!
    if ((format.shape === 'json') !== (shape === 'json')) continue
    test(`${maker.format}: ${mutations} mutations`, () => {
      const random = randomFrom(maker.format.length)
      const { text, context } = maker.make(access)
      const { text: other } = maker.make(
        { ...access, username: 'bob', key: 'b' },
        (query) => `X-User=eve&${query}`,
      )
      let records = 0
      for (let count = 0; count < mutations; count += 1) {
        const line = mutated(random(10) === 0 ? other : text, random)
        const parsed = format.parse(line, context)
        judge(maker, line, parsed)
        if (parsed.outcome === 'record') records += 1
      }
      // Neither everything nor nothing is taken.
      assert.ok(records > mutations / 100 && records < mutations, `${records} records`)
    })
  }
}
