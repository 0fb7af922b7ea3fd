import { styleText } from 'node:util'
import type { Command } from 'commander'
import type { NodeSignpost } from '@signpost/sdk/node'
import type { Io } from './io.ts'
import { serverSettings, type ServerOptions, type ServerSettings } from './server-settings.ts'
import { printableLine, tableLines } from './text.ts'

export interface GlobalOptions extends ServerOptions {
  json?: true
}

/** What a command works with. */
export interface Context {
  io: Io
  json: boolean
  signal: AbortSignal
  settings: () => Promise<ServerSettings>
  /** The client; the SDK is loaded when first needed. */
  connect: () => Promise<NodeSignpost>
  /** One line of the result. */
  print: (line: string) => void
  /** One value of the result, on a line of its own. */
  printJson: (value: unknown) => void
  /** A table with a head, or a JSON line for each item with `--json`. */
  printList: <T>(items: readonly T[], columns: Record<string, (item: T) => string | number | null>) => void
  /** Something beside the result: goes to standard error. */
  note: (line: string) => void
  close: () => void
}

export function createContext(io: Io, options: GlobalOptions): Context {
  let settings: Promise<ServerSettings> | undefined
  let client: Promise<NodeSignpost> | undefined
  const print = (line: string) => void io.stdout.write(`${line}\n`)
  const context: Context = {
    io,
    json: options.json ?? false,
    signal: io.signal,
    settings: () => (settings ??= serverSettings(io, options)),
    connect: () => (client ??= context.settings().then((server) => openClient(io, server))),
    print,
    printJson: (value) => print(JSON.stringify(value)),
    printList(items, columns) {
      if (context.json) return items.forEach((item) => context.printJson(item))
      const rows = items.map((item) =>
        Object.values(columns).map((cell) => printableLine(String(cell(item) ?? '-'))),
      )
      const [head, ...body] = tableLines([Object.keys(columns), ...rows])
      if (io.stdout.isTTY) print(styleText('bold', head ?? '', { stream: io.stdout }))
      else print(head ?? '')
      body.forEach(print)
    },
    note: (line) => void io.stderr.write(`${line}\n`),
    close: () => void client?.then((opened) => opened.close()).catch(() => {}),
  }
  return context
}

export async function openClient(io: Io, server: ServerSettings): Promise<NodeSignpost> {
  const [{ createSignpost }, { createServerAccess }] = await Promise.all([
    import('@signpost/sdk/node'),
    import('./server-fetch.ts'),
  ])
  const { url, token, identityTokenFile: file } = server
  const identityToken = file === undefined ? undefined : { file }
  const userAgent = `signpost-cli/${io.version}`
  return createSignpost({ url, token, identityToken, userAgent, ...createServerAccess(io, server) })
}

/** What one run of the program shares: the world, and how it ended. */
export interface Run {
  /** What is wrong with the command line is said as JSON, too. */
  json?: boolean
  io: Io
  exitCode: number
}

/** Makes a handler for commander: gives the command its context, keeps its exit code, closes what it opened. */
export function handler<Args extends readonly unknown[], Options>(
  run: Run,
  work: (context: Context, args: Args, options: Options) => Promise<number | void>,
): (...all: unknown[]) => Promise<void> {
  return async (...all) => {
    // Ctrl-C may have come while the program was loaded.
    run.io.signal.throwIfAborted()
    const command = all.at(-1) as Command
    const options = command.optsWithGlobals() as GlobalOptions & Options
    const context = createContext(run.io, options)
    try {
      run.exitCode = (await work(context, all.slice(0, -2) as unknown as Args, options)) ?? 0
    } finally {
      context.close()
    }
  }
}
