import type { ConnectorSettings } from '@signpost/contract'
import type { Finding } from './finding.ts'
import type { Patient } from './patient.ts'
import type { StoreAnswer } from './store-answer.ts'

/** Where clients connect to. */
export interface DoctorAddress {
  /** Scheme, host and port in signed URLs. */
  origin: string
  /** The same without the bucket, where the host holds it; else undefined. */
  serviceHost: string | undefined
  /** URL of the bucket itself, without a query. */
  bucketUrl: string
}

/** What differs between the kinds of store: one object a kind, in `s3/doctor.ts` and so on. */
export interface KindDoctor {
  address(settings: ConnectorSettings): DoctorAddress
  /** Query that lists the bucket. */
  listQuery: string
  /** What is wrong with the name of the bucket, and what would be right. */
  nameProblem(settings: ConnectorSettings): Finding | undefined
  /** Parameter that holds the requester. */
  markerParameter: 'X-User' | 'scid'
  /** Header by which a write becomes a copy; undefined: a copy takes a signature for its source. */
  copyHeader(settings: ConnectorSettings, sourceKey: string): Record<string, string> | undefined
  /** A signature was refused: was it something between that changed the host? Undefined: no, or nobody can say. */
  hostChanged(patient: Patient, answer: StoreAnswer): Promise<string | undefined>
  /** The bucket was not found: is it there under the other way of addressing? */
  otherAddressing(patient: Patient): Promise<string | undefined>
  /** Rights that the credential needs, in the provider's words. */
  rights: Readonly<Record<'put' | 'get' | 'list' | 'delete' | 'multipart' | 'abort' | 'overwrite', string>>
  /** Documents and commands to paste. */
  paste: {
    cors(settings: ConnectorSettings, origins: readonly string[], headers: readonly string[]): string
    staleUploads(settings: ConnectorSettings): string | null
    privacy(settings: ConnectorSettings): string | null
  }
}
