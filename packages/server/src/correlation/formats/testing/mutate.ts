/** Breaks lines in all ways at once. Seeded, so a failure comes again. */
import type { Access } from './made-access.ts'

export const signature = '5ec7e7'.repeat(10)
export const token = '70ce4f'.repeat(10)

export const access: Access = {
  bucket: 'team-vision',
  key: 'runs/1/model a+b.bin',
  method: 'GET',
  status: 200,
  at: Date.UTC(2026, 10, 23, 12),
  address: '192.0.2.1',
  agent: 'Mozilla/5.0 (X11)',
  username: 'alice@example.com',
  grantId: 'g-1',
  signature,
  token,
}

/** mulberry32 */
export function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let value = Math.imul(state ^ (state >>> 15), state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return ((value ^ (value >>> 14)) >>> 0) % below
  }
}

const marks = [
  '"',
  '\\"',
  '\\',
  ' ',
  '  ',
  '\t',
  '%',
  '%2',
  '%zz',
  '%00',
  '%ff',
  '%25',
  '+',
  ';',
  '?',
  '&',
  '=',
  '-',
]
const brackets = [
  ',',
  ':',
  '{',
  '}',
  '[',
  ']',
  '""',
  '[06/Feb/2019:00:00:38 +0000]',
  '"__proto__":',
  '"constructor":{',
]
const odd = ['\u0000', '\u2028', '\ud800', '\ufeff', 'ü', '\r', 'null', '1e999', '-1', '99999999999999999999']
const columns = ['" 200 - 1 1 1 1 "-" "x" - ', ' HTTP/1.1" ', ' - - - - ']
const parameters = ['&X-User=bob', 'x-user=bob&', '%58-User=bob&', 'scid=bob&']
const secrets = [
  `X-Amz-Signature=${signature}`,
  `&sig=${signature}&`,
  `?X-Amz-Security-Token=${token}`,
  `"token":"${token}"`,
]
export const injections = [...marks, ...brackets, ...odd, ...columns, ...parameters, ...secrets]

export function mutated(text: string, random: (below: number) => number): string {
  let out = text
  for (let times = 1 + random(4); times > 0; times -= 1) {
    const at = random(out.length + 1)
    const end = Math.min(out.length, at + random(random(8) === 0 ? 200 : 4))
    const choice = random(4)
    const injected = injections[random(injections.length)]!
    if (choice === 0) out = out.slice(0, at) + out.slice(end)
    else if (choice === 1) out = out.slice(0, at) + injected + out.slice(end)
    else if (choice === 2) out = out.slice(0, at) + injected + out.slice(at)
    else out = out.slice(0, at) + out.slice(at, end) + out.slice(at)
  }
  return out
}
