import { X509Certificate } from 'node:crypto'
import { getCACertificates, setDefaultCACertificates } from 'node:tls'

/**
 * This process trusts the certificate from now on, as NODE_EXTRA_CA_CERTS would have it at the start; the answer ends that.
 * Others in this process may trust one of their own meanwhile.
 */
export function trust(certificatePem: string): () => void {
  const own = fingerprintOf(certificatePem)
  setDefaultCACertificates([...getCACertificates('default'), certificatePem])
  return () =>
    setDefaultCACertificates(getCACertificates('default').filter((one) => fingerprintOf(one) !== own))
}

/** Texts of one certificate differ in their blanks. */
export function fingerprintOf(pem: string): string {
  return new X509Certificate(pem).fingerprint256
}
