import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { get } from 'node:https'
import { join } from 'node:path'
import { generate } from 'selfsigned'

export interface Certificate {
  /** Self-signed, so it is its own authority: trust it by `ca`, or by NODE_EXTRA_CA_CERTS at the start of a process. */
  certificatePem: string
  privateKeyPem: string
  certificateFile: string
  privateKeyFile: string
}

/** A certificate for localhost, *.localhost and 127.0.0.1, good for a day, written into the folder. */
export async function makeCertificate(folder: string): Promise<Certificate> {
  // A name of its own: where several are trusted at once, an authority is looked up by its name.
  const made = await generate([{ name: 'commonName', value: `localhost ${randomUUID()}` }], {
    keyType: 'ec',
    curve: 'P-256',
    algorithm: 'sha256',
    notBeforeDate: new Date(Date.now() - 60_000),
    notAfterDate: new Date(Date.now() + 24 * 3600_000),
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 2, value: '*.localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ],
  })
  const certificateFile = join(folder, 'certificate.pem')
  const privateKeyFile = join(folder, 'private-key.pem')
  await writeFile(certificateFile, made.cert)
  await writeFile(privateKeyFile, made.private, { mode: 0o600 })
  return { certificatePem: made.cert, privateKeyPem: made.private, certificateFile, privateKeyFile }
}

/** Whether an https server with this certificate answers at all, whatever it says. */
export function answersTls(url: string, certificatePem: string): Promise<boolean> {
  return new Promise((resolve) => {
    get(url, { ca: certificatePem, agent: false }, (answer) => {
      answer.resume()
      resolve(true)
    }).once('error', () => resolve(false))
  })
}
