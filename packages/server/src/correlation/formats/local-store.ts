/** The access log of `@signpost/local-store`: Amazon's columns, with text of clients escaped so that quotes end what they should. */
import type { LogFormat } from '../access-log-record.ts'
import { parseS3Line } from './s3-server-access.ts'

export const localStore: LogFormat = {
  name: 'local-store',
  title: "Access log of Signpost's embedded store",
  shape: 'lines',
  parse: (line, context) => {
    const parsed = parseS3Line(line, context)
    if (parsed.outcome !== 'record') return parsed
    // `arn:aws:iam::000000000000:user/ID`: the store has keys, and no users.
    const signers = parsed.record.signers.map((signer) => signer.replace(/^arn:aws:iam::0{12}:user\//, ''))
    return { outcome: 'record', record: { ...parsed.record, signers: [...new Set(signers)] } }
  },
}
