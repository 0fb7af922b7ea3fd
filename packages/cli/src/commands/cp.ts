import { Argument, type Command } from 'commander'
import { formatRemote, isRemote, remoteAddress, remoteObject, type RemoteAddress } from '../address.ts'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { examples } from '../examples.ts'
import { Interrupted } from '../io.ts'
import { parseBytes, parsePositive } from '../parse.ts'
import type { CpOptions } from '../transfer/cp-options.ts'
import { failureOf, type Reporter, type Standing } from '../transfer/outcome.ts'

const rules = `
  A target that ends with / (or a team alone, or a folder on disk) is a folder: what is copied keeps its name.
  With --recursive one folder's content lands below the target (as with \`aws s3 cp --recursive\`); of several
  sources each keeps its own name below the target. An address is taken as a folder by whole segments: sp://t/ab
  does not match sp://t/abc.
  Files over 32 MiB go up in parts. After a crash or Ctrl-C the same command goes on where it stopped.
  Symbolic links below a folder are skipped unless --follow-symlinks; pipes, sockets and devices are skipped.
  Object keys that name no place below the target folder (../x, /x, a//b) are refused one by one.`

export function addCp(program: Command, run: Run): void {
  const cp = program.command('cp')
  // Commander has no argument behind one that repeats: what is parsed as one list is shown as the two that it is.
  const shown = [
    new Argument('<source...>', 'files, folders or sp:// addresses; - is standard input'),
    new Argument('<target>', 'file, folder or sp:// address; - is standard output'),
  ]
  cp.configureHelp({ ...cp.configureHelp(), visibleArguments: () => shown })
  cp.description('copy files and folders to and from sp:// addresses; - is standard input or output')
    .usage('[options] <source...> <target>')
    .argument('<source, target...>')
    .option('-r, --recursive', 'folders, with all that is below')
    .option('-j, --jobs <count>', 'files at once; unless told 24, and 2 of the large ones', parsePositive)
    .option('-p, --parts <count>', 'parts of a large file at once; 4 unless told', parsePositive)
    .option(
      '--part-size <size>',
      'size of a part to ask for, such as 64M; unless told 8 to 64 MiB, by the size of the file',
      parseBytes,
    )
    .option('--resume', 'go on with what was broken off', true)
    .option('--no-resume', 'begin anew')
    .option('--create-only', 'never overwrite: what is there already is a failure')
    .option('-n, --no-clobber', 'never overwrite: what is there already is skipped')
    .option('--content-type <type>', 'type of what is uploaded')
    .option('--verify', 'upload: compare what is stored with what was sent, by its MD5')
    .option('--audience <name>', "by which of the bucket's addresses, by its name in the connector")
    .option('--follow-symlinks', 'send what symbolic links below a folder point to')
    .option('-q, --quiet', 'say nothing but failures')
    .addHelpText(
      'after',
      rules +
        '\n' +
        examples(
          'signpost cp model.bin sp://vision/models/',
          'signpost cp -r checkpoints sp://vision/run-7/checkpoints',
          'signpost cp -r sp://vision/run-7/ ./run-7',
          'tar c data | signpost cp - sp://vision/data.tar',
          'signpost cp sp://vision/data.tar - | tar x',
        ),
    )
    .action(
      handler(run, async (context, [paths]: [string[]], options: CpOptions) => {
        const last = paths.at(-1) ?? ''
        // Its content must not be mixed with what is said of it.
        const target = last === '/dev/stdout' ? '-' : last
        const sources = paths.slice(0, -1)
        const copy = direction(sources, target)
        const { createReporter } = await import('../transfer/reporter.ts')
        const reporter = await createReporter(context, {
          quiet: options.quiet ?? false,
          stdoutIsData: target === '-',
        })
        const work = () => copy(context, options, reporter)
        const isStream = target === '-' || sources[0] === '-'
        return finishing(context, reporter, work, (standing) =>
          interruptedText(standing, { isStream, isUp: isRemote(target), resumes: options.resume }),
        )
      }),
    )
}

type Copy = (context: Context, options: CpOptions, reporter: Reporter) => Promise<void>

function direction(sources: readonly string[], target: string): Copy {
  if (sources.length === 0) throw new UsageError('name a source and a target: signpost cp SOURCE... TARGET')
  const remote = sources.filter(isRemote)
  if (isRemote(target)) {
    if (remote.length > 0)
      throw new UsageError(
        'Signpost does not copy from one sp:// address to another, since it never carries the data: copy to a file first',
      )
    return uploads(sources, target)
  }
  if (remote.length === 0) throw new UsageError('either the sources or the target must be sp:// addresses')
  if (remote.length < sources.length)
    throw new UsageError('the sources must all be sp:// addresses, or all be files')
  return downloads(sources.map(remoteAddress), target)
}

function uploads(sources: readonly string[], target: string): Copy {
  const address = remoteAddress(target)
  if (!sources.includes('-')) {
    if (sources.length > 1 && address.key !== '' && !address.key.endsWith('/'))
      throw new UsageError(`several sources need a folder as target: write ${target}/`)
    return async (context, options, reporter) => {
      const { uploadAll } = await import('../transfer/upload.ts')
      await uploadAll(context, sources, address, options, reporter)
    }
  }
  if (sources.length > 1) throw new UsageError('standard input (-) must be the only source')
  if (remoteObject(target).key.endsWith('/'))
    throw new UsageError('standard input has no name: give the whole key as target')
  return (context, options, reporter) => uploadStdin(context, address, options, reporter)
}

function downloads(sources: readonly RemoteAddress[], target: string): Copy {
  if (target !== '-')
    return async (context, options, reporter) => {
      const { downloadAll } = await import('../transfer/download.ts')
      await downloadAll(context, sources, target, options, reporter)
    }
  const [source] = sources
  if (!source || sources.length > 1) throw new UsageError('standard output (-) takes one source')
  remoteObject(formatRemote(source))
  return async (context, options, reporter) => {
    const { downloadTo } = await import('../transfer/download.ts')
    const client = await context.connect()
    await downloadTo(context, client, source, context.io.stdout, '-', options, reporter)
  }
}

async function uploadStdin(
  context: Context,
  address: RemoteAddress,
  options: CpOptions,
  reporter: Reporter,
): Promise<void> {
  const client = await context.connect()
  const names = { from: '-', to: formatRemote(address) }
  const moving = { path: '-' }
  reporter.expect(null, moving)
  try {
    const { sizeBytes } = await client.upload(address, context.io.stdin, {
      signal: context.signal,
      createOnly: options.createOnly || !options.clobber ? true : undefined,
      contentType: options.contentType,
      verify: options.verify ? 'checksum' : undefined,
      concurrency: options.parts,
      audience: options.audience,
      partSizeBytes: options.partSize,
      abortOnFailure: true,
      onProgress: (progress) => reporter.progress(moving, progress),
    })
    reporter.report({ ...names, status: 'done', sizeBytes }, moving)
  } catch (error) {
    context.signal.throwIfAborted()
    reporter.report(failureOf(names, error, options.clobber), moving)
  }
}

interface Interruption {
  /** From standard input or to standard output. */
  isStream: boolean
  isUp: boolean
  resumes: boolean
}

/** How far it is, and how to go on. */
function interruptedText(standing: Standing | undefined, { isStream, isUp, resumes }: Interruption): string {
  if (isStream) return 'interrupted; nothing is kept of what goes through a pipe'
  if (standing === undefined) return 'interrupted; nothing more was stored'
  const goesOn = resumes ? 'the same command goes on' : 'the same command goes on without --no-resume'
  // Whole files are not told from those that were never sent: only --no-clobber looks.
  const again = standing.files > 1 ? ' with large files (whole ones go again but for --no-clobber)' : ''
  return `interrupted; ${standing.text} are ${isUp ? 'up' : 'here'}; ${goesOn}${again}`
}

async function finishing(
  context: Context,
  reporter: Reporter,
  work: () => Promise<void>,
  textOf: (standing: Standing | undefined) => string,
): Promise<number> {
  try {
    await work()
  } catch (error) {
    reporter.finish(error)
    if (!(error instanceof Interrupted)) throw error
    context.note(`signpost: ${textOf(reporter.standing())}`)
    return error.exitCode
  }
  return reporter.finish()
}
