import type { Command } from 'commander'
import { UsageError } from '../errors.ts'
import { nearest } from '../nearest.ts'

/** `signpost help team create`: commander's own goes one word deep. */
export function addHelp(program: Command): void {
  program
    .helpCommand(false)
    .command('help')
    .description('show help for a command')
    .argument('[command...]')
    .action((words: string[]) => {
      let command = program
      for (const word of words) command = below(command, word)
      command.help()
    })
}

function below(command: Command, word: string): Command {
  const names = command.commands.map((each) => each.name())
  const found = command.commands[names.indexOf(word)]
  if (found) return found
  // What follows a command without commands of its own is no word of it: its own help says what is.
  if (names.length === 0) return command
  const near = nearest(word, names)
  throw new UsageError(`unknown command '${word}'${near === undefined ? '' : ` (did you mean ${near}?)`}`)
}
