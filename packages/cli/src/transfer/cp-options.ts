export interface CpOptions {
  recursive?: true
  jobs?: number
  parts?: number
  partSize?: number
  /** `--no-resume` makes it false. */
  resume: boolean
  createOnly?: true
  /** `--no-clobber` makes it false. */
  clobber: boolean
  contentType?: string
  verify?: true
  followSymlinks?: true
  audience?: string
  quiet?: true
}

/** Files larger than this, bytes, go up in parts, which a later run can go on with. */
export const inPartsFromBytes = 32 * 1024 * 1024

/** How many files and parts go at once, and by which of the bucket's addresses, for the SDK. */
export function transferOptionsOf(options: CpOptions) {
  return {
    ...(options.jobs === undefined ? {} : { files: options.jobs, largeFiles: options.jobs }),
    ...(options.parts === undefined ? {} : { concurrency: options.parts }),
    ...(options.audience === undefined ? {} : { audience: options.audience }),
  }
}
