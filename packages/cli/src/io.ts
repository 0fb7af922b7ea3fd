/** What the command may touch of the world around it. `main.ts` fills it in; nothing else reads the process. */
export interface Io {
  env: Readonly<Record<string, string | undefined>>
  stdin: NodeJS.ReadStream
  stdout: NodeJS.WriteStream
  stderr: NodeJS.WriteStream
  homeFolder: string
  platform: NodeJS.Platform
  version: string
  /** Aborts with an `Interrupted` on Ctrl-C and SIGTERM. */
  signal: AbortSignal
}

/** Why work was broken off: the user, or whoever stops the process, said so. */
export class Interrupted extends Error {
  readonly exitCode: number

  constructor(exitCode: number) {
    super('interrupted')
    this.name = 'Interrupted'
    this.exitCode = exitCode
  }
}
