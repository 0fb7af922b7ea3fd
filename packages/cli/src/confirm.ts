import type { Command } from 'commander'
import type { Context } from './context.ts'
import { UsageError } from './errors.ts'
import { confirmed } from './prompt.ts'
import { printableLine } from './text.ts'

export interface ConfirmOptions {
  yes?: true
}

export function withYes(command: Command): Command {
  return command.option('-y, --yes', 'do not ask')
}

/** Asks before something is deleted: `what` is such as `team vision`. Without a terminal to ask on it takes `--yes`. */
export async function mayDelete(context: Context, what: string, options: ConfirmOptions): Promise<boolean> {
  if (options.yes) return true
  if (!context.io.stdin.isTTY) throw new UsageError(`give --yes to delete ${what}`)
  return confirmed(context.io, `Delete ${printableLine(what)}?`)
}
