import { Option, type Command } from 'commander'
import type { PolicyDocument } from '@signpost/contract'
import { handler, type Context, type Run } from '../context.ts'
import { UsageError } from '../errors.ts'
import { examples } from '../examples.ts'
import { printableLine } from '../text.ts'

export interface PoliciesOptions {
  document?: string
  terraform?: true
  format?: PolicyDocument['format']
}

const columns = {
  DOCUMENT: ({ name }: PolicyDocument) => name,
  FORMAT: ({ format }: PolicyDocument) => format,
  WHAT: ({ title }: PolicyDocument) => title,
}

export function addPolicies(connector: Command, run: Run): void {
  connector
    .command('policies')
    .description("documents for the bucket's owner: least rights, trust, CORS, networks, limits")
    .argument('<name>')
    .option('--document <document>', 'print this one, to use as it is')
    .option('--terraform', 'as Terraform; without --document: all of them')
    .addOption(
      new Option('--format <format>', 'json, xml or shell').choices(['json', 'xml', 'shell', 'terraform']),
    )
    .addHelpText(
      'after',
      examples(
        'signpost connector policies vision-bucket',
        'signpost connector policies vision-bucket --document iam-signer > policy.json',
        'signpost connector policies vision-bucket --terraform > signpost.tf',
      ),
    )
    .action(
      handler(run, async (context, [name]: [string], options: PoliciesOptions) => {
        const client = await context.connect()
        const input = { params: { connector: name } }
        const { documents } = await client.call('getPolicies', input, { signal: context.signal })
        const chosen = documentsOf(documents, options)
        if (context.json) return chosen.forEach((document) => context.printJson(document))
        if (options.document === undefined && !options.terraform) return context.printList(chosen, columns)
        printDocuments(context, chosen)
      }),
    )
}

/** To be used as they are: what is to be known of them goes beside. */
export function printDocuments(context: Context, chosen: readonly PolicyDocument[]): void {
  chosen.forEach(({ text }, index) => {
    if (index > 0) context.print('')
    text.trimEnd().split('\n').forEach(context.print)
  })
  for (const note of new Set(chosen.flatMap(({ notes }) => notes)))
    context.note(`signpost: ${printableLine(note)}`)
}

export function documentsOf(
  documents: readonly PolicyDocument[],
  options: PoliciesOptions,
): PolicyDocument[] {
  const format = options.terraform ? 'terraform' : options.format
  const inFormat = documents.filter((one) => format === undefined || one.format === format)
  if (options.document === undefined) return inFormat
  const named = inFormat.filter(({ name }) => name === options.document)
  if (named[0]) return format === undefined ? [named[0]] : named
  const there = [...new Set(inFormat.map(({ name }) => name))].join(', ')
  const formats = [
    ...new Set(documents.filter(({ name }) => name === options.document).map((one) => one.format)),
  ]
  if (formats.length > 0)
    throw new UsageError(`--document ${options.document}: comes as ${formats.join(', ')}, not as ${format}`)
  const unlisted = ['network', 'bucket-policy'].includes(options.document)
    ? '; one for networks is there once the connector or a team has a list (--network), and where the store can hold it'
    : ''
  throw new UsageError(`--document ${options.document}: this connector has ${there || 'none'}${unlisted}`)
}
