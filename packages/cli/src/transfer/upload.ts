import type { NodeSignpost, UploadOptions, UploadResult } from '@signpost/sdk/node'
import { formatRemote, type RemoteAddress } from '../address.ts'
import { stateFolder } from '../config-file.ts'
import type { Context } from '../context.ts'
import { transferOptionsOf, inPartsFromBytes, type CpOptions } from './cp-options.ts'
import { failureOf, isThereAlready, type Reporter } from './outcome.ts'
import { uploadPlan, type UploadFile } from './upload-plan.ts'
import { createUploadStates, type UploadIdentity, type UploadStates } from './upload-state.ts'

interface UploadRun {
  client: NodeSignpost
  server: string
  states: UploadStates
  options: CpOptions
  reporter: Reporter
  signal: AbortSignal
}

/** Sends files and folders. Uploads that an earlier run has left are gone on with, beside the others. */
export async function uploadAll(
  context: Context,
  sources: readonly string[],
  target: RemoteAddress,
  options: CpOptions,
  reporter: Reporter,
): Promise<void> {
  const run: UploadRun = {
    client: await context.connect(),
    server: (await context.settings()).url,
    states: createUploadStates(stateFolder(context.io)),
    options,
    reporter,
    signal: context.signal,
  }
  await run.states.sweep(Date.now())
  const resumed: Promise<void>[] = []
  const fresh = async function* () {
    for await (const file of uploadPlan(context.io, sources, target, options, reporter)) {
      reporter.expect(file.sizeBytes ?? null, file)
      const uploadId = findUpload(run, file)
      if (uploadId === undefined) yield file
      else {
        // One after the other: each moves several parts at once.
        const before = resumed.at(-1) ?? Promise.resolve()
        const resuming = before.then(() => resume(run, file, uploadId))
        // When all is broken off, nobody may be left to wait for it.
        resuming.catch(() => {})
        resumed.push(resuming)
      }
    }
  }
  const files = run.client.uploadFiles(fresh(), {
    ...sharedOptions(run),
    ...transferOptionsOf(options),
    onProgress: (file, progress) => reporter.progress(file, progress),
    onUpload: (file, uploadId) => keep(run, file, uploadId),
  })
  for await (const outcome of files) {
    const { file } = outcome
    await (outcome.ok ? done(run, file, outcome.result) : failed(run, file, outcome.error))
  }
  await Promise.all(resumed)
}

function sharedOptions({ options, signal }: UploadRun) {
  return {
    singlePutMaxBytes: inPartsFromBytes,
    createOnly: options.createOnly || !options.clobber ? true : undefined,
    partSizeBytes: options.partSize,
    verify: options.verify ? ('checksum' as const) : undefined,
    signal,
  }
}

async function resume(run: UploadRun, file: UploadFile, uploadId: string): Promise<void> {
  const { client, options, reporter } = run
  const own: UploadOptions = {
    ...sharedOptions(run),
    contentType: file.contentType,
    ...transferOptionsOf(options),
    onProgress: (progress) => reporter.progress(file, progress),
    onUpload: (id) => keep(run, file, id),
  }
  try {
    const result = await client
      .uploadFile(file.address, file.path, { ...own, resume: { uploadId } })
      .catch((error: unknown) => {
        if (!isGone(error)) throw error
        return client.uploadFile(file.address, file.path, own)
      })
    await done(run, file, result)
  } catch (error) {
    run.signal.throwIfAborted()
    await failed(run, file, error)
  }
}

/** The server has swept the upload away, or it is over. */
function isGone(error: unknown): boolean {
  const { code } = error as { code?: unknown }
  return code === 'not_found' || code === 'resume_mismatch'
}

async function done(run: UploadRun, file: UploadFile, result: UploadResult): Promise<void> {
  await forget(run, file)
  const { sizeBytes } = result
  const names = { from: file.path, to: formatRemote(file.address) }
  run.reporter.report({ ...names, status: 'done', sizeBytes }, file)
}

async function failed(run: UploadRun, file: UploadFile, error: unknown): Promise<void> {
  const names = { from: file.path, to: formatRemote(file.address) }
  const { code } = error as { code?: unknown }
  // What is there already, or has changed: going on with this upload would only fail again.
  if (isThereAlready(error) || code === 'source_changed') await forget(run, file)
  run.reporter.report(failureOf(names, error, run.options.clobber), file)
}

function identityOf(run: UploadRun, file: UploadFile): UploadIdentity | undefined {
  const { sizeBytes, mtimeMs, path, address, contentType } = file
  if (sizeBytes === undefined || sizeBytes <= inPartsFromBytes) return undefined
  const createOnly = sharedOptions(run).createOnly ?? false
  return { server: run.server, ...address, path, sizeBytes, mtimeMs, contentType, createOnly }
}

function findUpload(run: UploadRun, file: UploadFile): string | undefined {
  const identity = run.options.resume ? identityOf(run, file) : undefined
  return identity && run.states.find(identity)
}

function keep(run: UploadRun, file: UploadFile, uploadId: string): void {
  const identity = identityOf(run, file)
  if (identity) run.states.keep(identity, uploadId)
}

async function forget(run: UploadRun, file: UploadFile): Promise<void> {
  const identity = identityOf(run, file)
  if (identity) await run.states.forget(identity)
}
