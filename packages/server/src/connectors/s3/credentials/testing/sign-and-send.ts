/** For tests: signs in a scope, and does what the URL is for. */
import { randomUUID } from 'node:crypto'
import { request } from 'node:http'
import type { OpenConnector, SignedRequest, SigningScope, SignRequest } from '../../../../domain/connector.ts'

export async function sign(
  open: OpenConnector,
  scope: SigningScope,
  method: SignRequest['method'],
  key: string,
  part?: NonNullable<SignRequest['part']>,
): Promise<SignedRequest> {
  const signer = await open.signer(scope)
  const { username, pseudonym } = scope.requester
  return signer.sign({
    action: scope.action,
    method,
    key,
    signedAt: Date.now(),
    expiresAt: Date.now() + 60_000,
    marker: { username, pseudonym, scid: randomUUID(), grantId: randomUUID() },
    ...(scope.networks.length > 0 ? { networks: scope.networks } : {}),
    ...(part ? { part } : {}),
  })
}

export async function send(
  open: OpenConnector,
  scope: SigningScope,
  method: SignRequest['method'],
  key: string,
  headers: Record<string, string> = {},
  body = 'x',
  part?: NonNullable<SignRequest['part']>,
): Promise<number> {
  const signed = await sign(open, scope, method, key, part)
  const answer = await fetch(signed.url, {
    method,
    headers: { ...signed.headers, ...headers },
    ...(method === 'PUT' ? { body } : {}),
  })
  await answer.arrayBuffer()
  return answer.status
}

export function getFrom(localAddress: string, url: string): Promise<number> {
  return new Promise((resolve, reject) => {
    request(url, { localAddress, agent: false }, (answer) => {
      answer.resume().once('end', () => resolve(answer.statusCode ?? 0))
    })
      .once('error', reject)
      .end()
  })
}

export function keyIdOf({ url }: SignedRequest): string {
  return new URL(url).searchParams.get('X-Amz-Credential')!.split('/')[0]!
}
