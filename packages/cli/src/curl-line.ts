import type { IssuedUrl } from '@signpost/sdk/node'
import { shellQuoted } from './text.ts'

const flagsOf: Readonly<Record<IssuedUrl['method'], readonly string[]>> = {
  GET: [],
  HEAD: ['--head'],
  PUT: ['--upload-file', 'FILE'],
  DELETE: ['--request', 'DELETE'],
  POST: [],
}

/** A line for a POSIX shell that sends exactly what the header contract says. `FILE` stands for the file to send. */
export function curlLine(issued: Pick<IssuedUrl, 'method' | 'url' | 'headers' | 'fields'>): string {
  const headers = Object.entries(issued.headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`])
  const fields = Object.entries(issued.fields ?? {}).flatMap(([name, value]) => [
    '--form-string',
    `${name}=${value}`,
  ])
  if (issued.method === 'POST') fields.push('--form', 'file=@FILE')
  return ['curl', '--fail', '--silent', '--show-error', '--globoff']
    .concat(flagsOf[issued.method], headers, fields, issued.url)
    .map(shellQuoted)
    .join(' ')
}
