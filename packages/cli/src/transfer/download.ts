import { createWriteStream } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { pipeline } from 'node:stream/promises'
import type { NodeSignpost } from '@signpost/sdk/node'
import { formatRemote, type RemoteAddress } from '../address.ts'
import type { Context } from '../context.ts'
import { transferOptionsOf, type CpOptions } from './cp-options.ts'
import { downloadPlan, type DownloadFile } from './download-plan.ts'
import type { Reporter } from './outcome.ts'

/** Reads objects and folders into files. */
export async function downloadAll(
  context: Context,
  sources: readonly RemoteAddress[],
  target: string,
  options: CpOptions,
  reporter: Reporter,
): Promise<void> {
  const client = await context.connect()
  const files = async function* () {
    for await (const file of downloadPlan(context.io, client, sources, target, options, reporter)) {
      if (file.isPipe) await downloadToPipe(context, client, file, options, reporter)
      else if (await mayWrite(file, options, reporter)) {
        reporter.expect(file.sizeBytes ?? null, file)
        yield file
      }
    }
  }
  const outcomes = client.downloadFiles(files(), {
    ...transferOptionsOf(options),
    resume: options.resume,
    signal: context.signal,
    onProgress: (file, progress) => reporter.progress(file, progress),
  })
  for await (const outcome of outcomes) {
    const { file } = outcome
    const names = namesOf(file)
    if (outcome.ok) {
      const { sizeBytes, resumedBytes } = outcome.result
      const resumed = resumedBytes > 0 ? { resumedBytes } : {}
      reporter.report({ ...names, status: 'done', sizeBytes, ...resumed }, file)
    } else reporter.report({ ...names, status: 'failed', error: outcome.error }, file)
  }
}

function namesOf(file: DownloadFile) {
  return { from: formatRemote(file.address), to: file.path }
}

async function mayWrite(file: DownloadFile, options: CpOptions, reporter: Reporter): Promise<boolean> {
  if (options.clobber && !options.createOnly) return true
  const isThere = await lstat(file.path).then(
    () => true,
    () => false,
  )
  if (!isThere) return true
  if (!options.clobber)
    reporter.report({ ...namesOf(file), status: 'skipped', reason: 'it is there already' })
  else
    reporter.report({ ...namesOf(file), status: 'failed', error: new Error(`${file.path} is there already`) })
  return false
}

/** A pipe or a device is written to as it stands: nothing may take its place. */
async function downloadToPipe(
  context: Context,
  client: NodeSignpost,
  file: DownloadFile,
  options: CpOptions,
  reporter: Reporter,
): Promise<void> {
  await downloadTo(context, client, file.address, createWriteStream(file.path), file.path, options, reporter)
}

/** Reads one object into a stream, in order. */
export async function downloadTo(
  context: Context,
  client: NodeSignpost,
  address: RemoteAddress,
  stream: NodeJS.WritableStream,
  name: string,
  options: CpOptions,
  reporter: Reporter,
): Promise<void> {
  const names = { from: formatRemote(address), to: name }
  const { signal } = context
  const moving = { path: name }
  try {
    const object = await client.download(address, {
      signal,
      ...transferOptionsOf(options),
      onProgress: (progress) => reporter.progress(moving, progress),
    })
    reporter.expect(object.sizeBytes, moving)
    await pipeline(object.stream(), stream, { signal, end: stream !== context.io.stdout })
    reporter.report({ ...names, status: 'done', sizeBytes: object.sizeBytes }, moving)
  } catch (error) {
    signal.throwIfAborted()
    reporter.report({ ...names, status: 'failed', error }, moving)
  }
}
