import { Command, type Option } from 'commander'
import { addAccess } from './commands/access.ts'
import { addAlert } from './commands/alert.ts'
import { addAudit } from './commands/audit.ts'
import { addBudget } from './commands/budget.ts'
import { addConnector } from './commands/connector.ts'
import { addCp } from './commands/cp.ts'
import { addDoctor } from './commands/doctor.ts'
import { addExplain } from './commands/explain.ts'
import { addFindings } from './commands/findings.ts'
import { addHelp } from './commands/help.ts'
import { addIdentityProvider } from './commands/identity-provider.ts'
import { addKey } from './commands/key.ts'
import { addLink } from './commands/link.ts'
import { addLogin } from './commands/login.ts'
import { addLogs } from './commands/logs.ts'
import { addLs } from './commands/ls.ts'
import { addNetwork } from './commands/network.ts'
import { addPerson } from './commands/person.ts'
import { addPrefix } from './commands/prefix.ts'
import { addReport } from './commands/report.ts'
import { addRestriction } from './commands/restriction.ts'
import { addRevoke } from './commands/revoke.ts'
import { addRm } from './commands/rm.ts'
import { addRole } from './commands/role.ts'
import { addSecrets } from './commands/secrets.ts'
import { addServiceAccount } from './commands/service-account.ts'
import { addSession } from './commands/session.ts'
import { addSign } from './commands/sign.ts'
import { addTeam } from './commands/team.ts'
import { addTrace } from './commands/trace.ts'
import { addTrustRule } from './commands/trust-rule.ts'
import { addUser } from './commands/user.ts'
import { addVerify } from './commands/verify.ts'
import { addWho } from './commands/who.ts'
import { addWhoami } from './commands/whoami.ts'
import type { Run } from './context.ts'
import { exitCodesText } from './exit-codes.ts'

const about = `The gate to your buckets, from a terminal. Objects have addresses: sp://team/key`

const more = `
Server and key come from --url and --token-file, or SIGNPOST_URL and SIGNPOST_TOKEN (or SIGNPOST_TOKEN_FILE, or
SIGNPOST_IDENTITY_TOKEN_FILE with a token of the platform), or what \`signpost login\` has kept, in this order.

Examples:
  signpost login https://signpost.example.com
  signpost cp model.bin sp://vision/models/
  curl -fsS "$(signpost sign sp://vision/models/model.bin)" -o model.bin
  signpost help cp
  signpost help exit-codes`

/** Those of every command. What a command between (`findings`) filters by is not what its commands take. */
function visibleGlobalOptions(command: Command): Option[] {
  let root = command
  while (root.parent) root = root.parent
  return root === command ? [] : root.options.filter(({ long, hidden }) => !hidden && long !== '--version')
}

/** What commander says of a wrong command line, as all else that goes wrong. */
function asJson(text: string): string {
  const message = text.replace(/^error: /, '').trimEnd()
  return `${JSON.stringify({ error: { message, code: null, requestId: null } })}\n`
}

/** The whole command line. Whatever is heavy is imported by the command that needs it. */
export function createProgram(run: Run): Command {
  const { io, json = false } = run
  const program = new Command('signpost')
    .description(about)
    .version(io.version, '-V, --version', 'print the version')
    .option('--url <url>', 'address of the Signpost server')
    .option('--token-file <file>', 'file with the API key; - for standard input')
    .option('--json', 'results as JSON, one value a line')
    .helpOption('-h, --help', 'show help')
    .exitOverride()
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false, visibleGlobalOptions })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      outputError: (text, write) => write(json ? asJson(text) : text.replace(/^error: /, 'signpost: ')),
    })
    .showHelpAfterError(json ? false : '(--help shows how it is used)')
    .addHelpText('after', more)
  const commands = [addLogin, addWhoami, addCp, addLs, addRm, addSign, addVerify, addExplain]
  const administration = [
    addTeam,
    addUser,
    addServiceAccount,
    addRole,
    addKey,
    addLink,
    addPrefix,
    addAccess,
    addRestriction,
    addBudget,
    addTrustRule,
    addConnector,
    addDoctor,
    addNetwork,
    addRevoke,
    addIdentityProvider,
    addSession,
    addSecrets,
    addAudit,
    addPerson,
    addWho,
    addTrace,
    addFindings,
    addReport,
    addAlert,
    addLogs,
  ]
  for (const add of commands.concat(administration)) add(program, run)
  addHelp(program)
  program
    .command('exit-codes')
    .description('what the exit codes mean')
    .configureHelp({ formatHelp: () => `${exitCodesText}\n` })
    .action(() => void io.stdout.write(`${exitCodesText}\n`))
  return program
}
