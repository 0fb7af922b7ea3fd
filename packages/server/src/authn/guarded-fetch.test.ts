import assert from 'node:assert/strict'
import { createServer, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { after, describe, test } from 'node:test'
import { SignpostError } from '@signpost/contract'
import { generate } from 'selfsigned'
import { createGuardedFetch, type GuardedFetchDeps } from './guarded-fetch.ts'

describe('the guarded fetch', () => {
  const servers: Server[] = []
  after(() => servers.forEach((server) => server.closeAllConnections() ?? server.close()))
  const listen = async (server: Server): Promise<number> => {
    servers.push(server)
    await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
    return (server.address() as AddressInfo).port
  }
  const serve = (listener: RequestListener) => listen(createServer(listener))

  /** Every name leads to these addresses; without them, nobody may look anything up. */
  const fetching = (addresses?: string[], given: Partial<GuardedFetchDeps> = {}) => {
    const asked: string[] = []
    const lookup: GuardedFetchDeps['lookup'] = async (hostname) => {
      assert.ok(addresses, `${hostname} should not be looked up`)
      asked.push(hostname)
      return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }))
    }
    return { asked, fetch: createGuardedFetch({ lookup, ...given }) }
  }
  const refusal = async (run: Promise<unknown>): Promise<string> => {
    const error = await run.then(
      () => assert.fail('should be refused'),
      (caught: unknown) => caught,
    )
    assert.ok(error instanceof SignpostError, String(error))
    assert.equal(error.code, 'identity_unavailable')
    return error.message
  }

  test('an internal address is refused before anything is sent, however it is written', async () => {
    let requests = 0
    const port = await serve((_request, response) => response.end(String(requests++)))
    const hosts = ['127.0.0.1', '0x7f.1', '2130706433', '0177.0.0.1', '[::1]', '[::ffff:127.0.0.1]']
    for (const host of [...hosts, '169.254.169.254', '10.0.0.1', '100.64.1.1', '[fd00:ec2::254]', '0.0.0.0'])
      assert.match(
        await refusal(fetching().fetch(false)(`https://${host}:${port}/`)),
        /internal address/,
        host,
      )
    assert.equal(requests, 0)
  })

  test('an address with a password is refused, and not repeated', async () => {
    const sentence = await refusal(fetching().fetch(true)('http://user:pass-word@127.0.0.1:9/keys'))
    assert.doesNotMatch(sentence, /pass-word/)
  })

  test('a name is refused for any internal address that it has, and told so', async () => {
    for (const addresses of [
      ['127.0.0.1'],
      ['8.8.8.8', '10.1.2.3'],
      ['::1'],
      ['fd00::1'],
      ['64:ff9b::a00:1'],
    ])
      assert.equal(
        await refusal(fetching(addresses).fetch(false)('https://issuer.example/keys')),
        'issuer.example has an internal address, which is asked only where allowInternal is set.',
      )
    assert.match(await refusal(fetching([]).fetch(false)('https://issuer.example/')), /cannot be reached/)
  })

  test('the address that was looked at is the one that is connected to', async () => {
    const port = await serve((request, response) => response.end(request.headers.host))
    let lookups = 0
    const lookup = async () => [{ address: ++lookups === 1 ? '127.0.0.1' : '192.0.2.1', family: 4 }]
    const answer = await createGuardedFetch({ lookup })(true)(`http://issuer.example:${port}/`)
    assert.equal(await answer.text(), `issuer.example:${port}`)
    assert.equal(lookups, 1)
  })

  test('plain http, and whatever else is no https, only where internal addresses are allowed', async () => {
    assert.match(await refusal(fetching().fetch(false)('http://issuer.example/')), /without TLS/)
    for (const allowed of [true, false])
      assert.match(await refusal(fetching().fetch(allowed)('data:,x')), /without TLS/)
  })

  test('a certificate must be for the name, and trusted', async () => {
    const { cert, private: key } = await generate([{ name: 'commonName', value: 'someone.example' }])
    const port = await listen(createTlsServer({ cert, key }, (_request, response) => void response.end('x')))
    const message = await refusal(
      fetching(['127.0.0.1']).fetch(true)(`https://issuer.example:${port}/?secret`),
    )
    assert.equal(message, `issuer.example:${port} cannot be reached.`)
  })

  test('a redirect is followed nowhere', async () => {
    let followed = false
    const port = await serve((request, response) => {
      if (request.url === '/there') followed = true
      response.writeHead(302, { location: '/there' }).end()
    })
    const url = `http://127.0.0.1:${port}/`
    for (const redirect of ['follow', 'manual', 'error'] as const)
      assert.match(await refusal(fetching().fetch(true)(url, { redirect })), /redirect/)
    assert.equal(followed, false)
  })

  test('an answer of any length that is told, not told or packed is cut off at 1 MiB', async () => {
    const mebibyte = 1024 * 1024
    const port = await serve((request, response) => {
      if (request.url === '/packed') response.setHeader('content-encoding', 'gzip')
      if (request.url === '/endless') {
        const write = () => void response.write(Buffer.alloc(65_536))
        response.on('drain', write)
        return write()
      }
      return response.end(Buffer.alloc(request.url === '/fits' ? mebibyte : mebibyte + 1))
    })
    const ask = (path: string) => fetching().fetch(true)(`http://127.0.0.1:${port}${path}`)
    assert.equal((await (await ask('/fits')).arrayBuffer()).byteLength, mebibyte)
    for (const path of ['/more', '/endless'])
      assert.match(await refusal(ask(path)), /more than 1048576 bytes/)
    assert.match(await refusal(ask('/packed')), /packed/)
  })

  test('nobody is waited for longer than the limit: not for a name, a first byte or the last', async () => {
    const port = await serve((request, response) => {
      if (request.url !== '/slow') return
      response.writeHead(200)
      const timer = setInterval(() => response.write('.'), 20)
      response.on('close', () => clearInterval(timer))
    })
    const { fetch } = fetching(undefined, { timeoutMs: 150 })
    for (const path of ['/silent', '/slow'])
      assert.match(await refusal(fetch(true)(`http://127.0.0.1:${port}${path}`)), /not answer in time/)
    const lookup = () => new Promise<never>(() => undefined)
    const nameless = createGuardedFetch({ lookup, timeoutMs: 150 })
    assert.match(await refusal(nameless(false)('https://issuer.example/')), /not answer in time/)
  })

  test('it sends what it is given, answers what it gets, and stops when told to', async () => {
    const port = await serve((request, response) => {
      if (request.url === '/hang') return
      void text(request).then((body) => {
        response.writeHead(401, { 'content-type': 'text/plain', 'set-cookie': ['a=1', 'b=2'] })
        response.end(`${request.method} ${request.headers['content-type']} ${body}`)
      })
    })
    const { fetch } = fetching()
    const url = `http://127.0.0.1:${port}`
    const answer = await fetch(true)(url, { method: 'POST', body: new URLSearchParams({ a: 'b c' }) })
    assert.equal(answer.status, 401)
    assert.deepEqual(answer.headers.getSetCookie(), ['a=1', 'b=2'])
    assert.equal(await answer.text(), 'POST application/x-www-form-urlencoded;charset=UTF-8 a=b+c')
    const ending = new AbortController()
    const hanging = fetch(true)(`${url}/hang`, { signal: ending.signal })
    setTimeout(() => ending.abort(), 50)
    await assert.rejects(hanging, { name: 'AbortError' })
  })
})
