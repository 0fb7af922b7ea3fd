import { readFile } from 'node:fs/promises'
import type { Command } from 'commander'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { examples } from '../examples.ts'
import type { SignedTexts } from '../explain/explain-url.ts'
import type { StoreAnswer } from '../explain/store-answer.ts'
import { collect } from '../parse.ts'
import { readAll } from '../prompt.ts'
import { redactSecrets } from '../redact.ts'
import { printable } from '../text.ts'

interface ExplainOptions {
  method: string
  header?: string[]
  response?: string
}

export function addExplain(program: Command, run: Run): void {
  program
    .command('explain')
    .description(
      'show what a URL was signed for, beside what a store saw that refused its signature; asks no server',
    )
    .argument('<url>', 'the signed URL; signatures and tokens are never shown')
    .option('-X, --method <method>', 'the method that it was signed for', 'GET')
    .option('-H, --header <header>', 'a header that came with the URL: "content-type: text/plain"', collect)
    .option('--response <file>', "the store's answer (SignatureDoesNotMatch); - for standard input")
    .addHelpText(
      'after',
      examples(
        'signpost explain "$URL"',
        'curl -sS -T a.txt -H "content-type: text/html" "$URL" |',
        '  signpost explain "$URL" -X PUT -H "content-type: text/plain" --response -',
      ),
    )
    .action(
      handler(run, async (context, [url]: [string], options: ExplainOptions) => {
        const { explainUrl } = await import('../explain/explain-url.ts')
        const signed = explainUrl(url, options.method.toUpperCase(), headersOf(options.header ?? []))
        const answer =
          options.response === undefined ? undefined : await readAnswer(context, options.response)
        const { differences } = await import('../explain/differences.ts')
        const findings = answer ? differences(signed, answer) : []
        if (context.json) return printJson(context, signed, answer, findings)
        await printTexts(context, signed, answer, findings)
      }),
    )
}

function headersOf(texts: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    texts.map((text) => {
      const match = /^([^:\s]+):\s*(.*)$/.exec(text)
      if (!match) throw new UsageError('--header must look like "content-type: text/plain"')
      return [(match[1] ?? '').toLowerCase(), match[2] ?? '']
    }),
  )
}

async function readAnswer({ io }: Context, file: string): Promise<StoreAnswer> {
  const { storeAnswer } = await import('../explain/store-answer.ts')
  return storeAnswer(file === '-' ? await readAll(io.stdin) : await readFile(file, 'utf8'))
}

function printJson(
  context: Context,
  signed: SignedTexts,
  answer: StoreAnswer | undefined,
  findings: readonly string[],
): void {
  const clean = (value: object) =>
    Object.fromEntries(
      Object.entries(value).map(([name, text]) => [
        name,
        typeof text === 'string' ? redactSecrets(text) : text,
      ]),
    )
  const store = answer ? { store: clean(answer), findings: findings.map(redactSecrets) } : {}
  context.printJson({ ...clean(signed), ...store })
}

async function printTexts(
  context: Context,
  signed: SignedTexts,
  answer: StoreAnswer | undefined,
  findings: readonly string[],
): Promise<void> {
  const { besideLines } = await import('../explain/beside.ts')
  const print = (text: string) => context.print(printable(redactSecrets(text)))
  const both = (title: string, ours: string | null, theirs: string | null | undefined) => {
    if (ours === null) return
    print(`\n${title}`)
    for (const line of besideLines(ours, theirs ?? ours)) print(line)
  }
  findings.forEach((finding, index) =>
    print(index === 0 ? `${finding[0]?.toUpperCase()}${finding.slice(1)}.` : `Also: ${finding}.`),
  )
  if (findings.length > 0) print('')
  print(
    `${signed.scheme}, signed at ${signed.signedAt ?? '(not said)'}, until ${signed.expiresAt ?? '(not said)'}`,
  )
  both('Canonical request', signed.canonicalRequest, answer?.canonicalRequest)
  both('String to sign', signed.stringToSign, answer?.stringToSign)
}
