/** The page docs/reference/configuration.md, made from the schema of the settings. */
import type { z } from 'zod'
import { Environment, secretNames, settingNames, type Name } from './config.ts'

export function configReference(): string {
  const rows = settingNames.map((name) => {
    const names = secretNames.includes(name) ? `\`${name}\`, \`${name}_FILE\`` : `\`${name}\``
    return `| ${names} | ${defaultOf(name)} | ${(Environment.shape[name] as z.ZodType).description ?? ''} |`
  })
  return [
    '# Configuration of the server',
    '',
    'Made from `packages/server/src/config.ts` by `npm run fix`.',
    '',
    'The server reads environment variables only; an empty one counts as not set. It does not start on a bad one, nor on',
    'an unknown name that begins with `SIGNPOST_`, and names every problem at once. A variable that ends in `_FILE` beside',
    'its plain name holds the name of a file to read the value from.',
    '',
    '| Variable | Default | Meaning |',
    '| --- | --- | --- |',
    ...rows,
    '',
    'Variables that begin with `SIGNPOST_SECRET_` hold what connectors refer to by `{"env": "SIGNPOST_SECRET_..."}`.',
    'The client `signpost` reads `SIGNPOST_URL` and `SIGNPOST_TOKEN`, `SIGNPOST_TOKEN_FILE` or `SIGNPOST_IDENTITY_TOKEN_FILE`; the server ignores them.',
    '',
  ].join('\n')
}

function defaultOf(name: Name): string {
  const { def } = Environment.shape[name]._zod as { def: { type: string; defaultValue?: unknown } }
  const value = def.type === 'default' || def.type === 'prefault' ? String(def.defaultValue) : ''
  return value === '' ? '' : `\`${value}\``
}
