import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Endpoint } from './endpoint.ts'

const isTaken = (text: string) => Endpoint.safeParse(text).success

test('scheme, host and port are taken', () => {
  for (const text of [
    'https://s3.example.com',
    'http://127.0.0.1:8080',
    'http://[::1]:9000',
    'http://min_io:9000/',
    'HTTPS://S3.Example.com',
    'https://xn--80ab2a.example',
  ])
    assert.ok(isTaken(text), text)
})

test('blanks around it and breaks within, which the URL parser drops, are not kept', () => {
  for (const text of ['https://ho\nst', 'https://h\tost', ' https://host', 'https://host '])
    assert.equal(Endpoint.parse(text), 'https://host', JSON.stringify(text))
})

test('what a shell, a log or another parser would read otherwise is no host', () => {
  const refused = [
    // The URL parser takes all of these: it forbids few characters in a host.
    'https://x$(id).com',
    'https://a;id;b',
    'http://a`id`b',
    "https://a'b",
    'https://a"b',
    'https://$HOME.x',
    'https://x&y',
    'http://a*b',
    // As it is written and as it is asked for are two: give xn--...
    'https://бак.example',
    'https://s3。example',
    'http://evil\\@good',
    'http://user@host',
    'http://host/path',
    'http://host:99999',
    'https://bucket.s3.amazonaws.com',
    'https://s3.example.com.',
  ]
  for (const text of refused) assert.equal(isTaken(text), false, text)
})
