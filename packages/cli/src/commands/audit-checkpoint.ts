import type { Command } from 'commander'
import { handler, type Context, type Run } from '../context.ts'
import { examples } from '../examples.ts'

interface CheckpointOptions {
  out?: string
  rotateKey?: true
}

export function addCheckpoint(audit: Command, run: Run): void {
  audit
    .command('checkpoint')
    .description('sign how far the audit trail has come, now')
    .option('-o, --out <file>', 'append to this file all checkpoints that it does not have yet')
    .option('--rotate-key', 'make a new key and announce it: it signs from the next checkpoint on')
    .addHelpText(
      'after',
      examples('signpost audit checkpoint', 'signpost audit checkpoint --out /elsewhere/checkpoints.txt'),
    )
    .action(handler(run, (context, _: [], options: CheckpointOptions) => checkpoint(context, options)))
  audit
    .command('public-key')
    .description('the key by which checkpoints are verified: keep it elsewhere')
    .addHelpText('after', examples('signpost audit public-key > audit.pub'))
    .action(
      handler(run, async (context) => {
        const client = await context.connect()
        const key = await client.call('getAuditPublicKey', {}, { signal: context.signal })
        if (context.json) context.printJson(key)
        else context.print(key.publicKey)
      }),
    )
}

async function checkpoint(context: Context, { out, rotateKey }: CheckpointOptions): Promise<void> {
  const { signal } = context
  const client = await context.connect()
  const made = await client.call(
    'createAuditCheckpoint',
    { body: { rotateKey: rotateKey ?? false } },
    { signal },
  )
  const { keepCheckpoints } = await import('../keep-checkpoints.ts')
  const kept = out === undefined ? undefined : await keepCheckpoints(client, out, signal)
  if (context.json)
    return context.printJson({ ...made, ...(kept ? { file: out, appended: kept.appended } : {}) })
  context.print(`checkpoint ${made.number} of ${made.at}, signed with key ${made.keyId}`)
  if (kept) context.print(`${kept.appended} appended to ${out}`)
}
