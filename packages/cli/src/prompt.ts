import { createInterface } from 'node:readline/promises'
import { Interrupted, type Io } from './io.ts'

type Terminal = Pick<Io, 'stdin' | 'stderr' | 'signal'>

/** Asks on the terminal; standard output stays for results. */
export async function askLine(io: Terminal, question: string): Promise<string> {
  const lines = createInterface({ input: io.stdin, output: io.stderr })
  const stop = new AbortController()
  lines.on('SIGINT', () => stop.abort(new Interrupted(130)))
  const signal = AbortSignal.any([io.signal, stop.signal])
  try {
    return (await lines.question(question, { signal })).trim()
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    lines.close()
  }
}

export async function confirmed(io: Terminal, question: string): Promise<boolean> {
  return /^y(es)?$/i.test(await askLine(io, `${question} [y/N] `))
}

const ctrlC = '\u0003'
const ctrlD = '\u0004'

/** Asks for a secret: nothing of it is shown. */
export async function askSecret(io: Terminal, question: string): Promise<string> {
  const { stdin, stderr } = io
  // Before the question: what is typed at once would else be shown.
  stdin.setRawMode(true)
  stderr.write(question)
  stdin.setEncoding('utf8')
  stdin.resume()
  try {
    return await new Promise<string>((resolve, reject) => {
      let text = ''
      stdin.on('data', (chunk) => {
        for (const char of String(chunk)) {
          if (char === ctrlC) return reject(new Interrupted(130))
          if (char === '\r' || char === '\n' || char === ctrlD) return resolve(text.trim())
          text = char === '\u007f' || char === '\b' ? text.slice(0, -1) : text + char
        }
      })
      stdin.on('end', () => resolve(text.trim()))
    })
  } finally {
    stdin.removeAllListeners('data')
    stdin.removeAllListeners('end')
    stdin.setRawMode(false)
    stdin.pause()
    stderr.write('\n')
  }
}

/** All of a stream, as text. */
export async function readAll(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of stream) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks).toString('utf8')
}
