/**
 * The import rule and its test in one. A row says: files under this folder may import from these places. The longest
 * matching row counts. `test` files may import anything inside the repository; the rule is for what ships.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { test } from 'node:test'
import { isTestFile, root, sourceFiles } from './files.ts'

const server = 'packages/server/src'

const mayImport: Record<string, readonly string[]> = {
  'packages/signing/src': ['packages/signing/src', 'node:crypto', 'node:util'],
  'packages/contract/src': ['packages/contract/src', 'zod'],
  'packages/sdk/src': ['packages/sdk/src', '@signpost/contract', 'node:'],
  'packages/cli/src': [
    'packages/cli/src',
    '@signpost/sdk',
    '@signpost/contract',
    '@signpost/signing',
    'commander',
    'cli-progress',
    'node:',
  ],
  'packages/local-store/src': ['packages/local-store/src', 'fast-xml-parser', '@fastify/busboy', 'node:'],
  [`${server}/domain`]: [
    `${server}/domain`,
    '@signpost/contract',
    '@signpost/signing',
    'node:crypto',
    // Addresses and their ranges: no socket is opened.
    'node:net',
  ],
  [`${server}/store`]: [`${server}/store`, `${server}/domain`, '@signpost/contract', 'kysely', 'pg', 'node:'],
  [`${server}/audit`]: [
    `${server}/audit`,
    `${server}/domain`,
    `${server}/store`,
    '@signpost/contract',
    'node:crypto',
  ],
  [`${server}/authn`]: [
    `${server}/authn`,
    `${server}/domain`,
    `${server}/store`,
    `${server}/audit`,
    '@signpost/contract',
    'jose',
    'openid-client',
    'node:crypto',
    // What issuers are asked by.
    'node:http',
    'node:https',
    'node:net',
    'node:util',
  ],
  [`${server}/connectors`]: [
    `${server}/connectors`,
    `${server}/domain`,
    '@signpost/contract',
    '@signpost/signing',
    '@aws-sdk/',
    '@smithy/',
    '@azure/',
    'diff',
    'fast-xml-parser',
    'jose',
    'node:',
  ],
  [`${server}/correlation`]: [
    `${server}/correlation`,
    `${server}/domain`,
    `${server}/store`,
    '@signpost/contract',
    'csv-parse',
    'node:crypto',
    // Addresses, pauses, and how logs come: as streams of bytes, packed or not. Nothing is opened here.
    'node:net',
    'node:stream',
    'node:timers/promises',
    'node:zlib',
  ],
  [`${server}/sinks`]: [
    `${server}/sinks`,
    `${server}/domain`,
    '@signpost/contract',
    'hyparquet-writer',
    'node:crypto',
    // What receivers are reached by.
    'node:net',
    'node:tls',
    'node:util',
    'node:zlib',
  ],
  [`${server}/broker`]: [
    `${server}/broker`,
    `${server}/domain`,
    `${server}/store`,
    `${server}/connectors`,
    `${server}/audit`,
    `${server}/correlation`,
    `${server}/sinks`,
    '@signpost/contract',
    'zod',
    'node:crypto',
    'node:timers/promises',
  ],
  [`${server}/http`]: [
    `${server}/http`,
    `${server}/broker`,
    `${server}/authn`,
    `${server}/domain`,
    `${server}/config.ts`,
    '@signpost/contract',
    'fastify',
    '@fastify/',
    'prom-client',
    'zod',
    'node:',
  ],
  [`${server}/protocols`]: [
    `${server}/protocols`,
    `${server}/broker`,
    `${server}/authn`,
    `${server}/domain`,
    '@signpost/contract',
    'fastify',
    'node:buffer',
    'node:crypto',
    'node:stream',
  ],
  [`${server}/config.ts`]: [
    `${server}/config-values.ts`,
    `${server}/nearest-name.ts`,
    '@signpost/contract',
    'zod',
    'node:',
  ],
  [server]: ['packages/server/src', '@signpost/', 'pino', 'node:', 'zod'],
}

/** Things that only one place may touch. */
const onlyIn: { what: RegExp; where: readonly string[]; why: string }[] = [
  {
    what: /\bprocess\.env\b/,
    where: [`${server}/main.ts`, 'packages/cli/src'],
    why: 'the environment enters in one file',
  },
  {
    what: /\bDate\.now\(\)|new Date\(\)/,
    where: [
      `${server}/app.ts`,
      `${server}/main.ts`,
      `${server}/first-run`,
      'packages/sdk/src',
      'packages/cli/src',
      'packages/local-store/src',
    ],
    why: 'the clock comes in through deps',
  },
  {
    what: /\brandomUUID\(|\brandomBytes\(/,
    where: [
      `${server}/app.ts`,
      `${server}/main.ts`,
      `${server}/first-run`,
      `${server}/store/sqlite`,
      `${server}/broker/secret-box.ts`,
      'packages/sdk/src',
      'packages/cli/src',
      'packages/local-store/src',
    ],
    why: 'random ids come in through deps',
  },
  {
    what: /\bconsole\.(log|error|warn)\(/,
    where: [`${server}/main.ts`, `${server}/first-run`, 'packages/cli/src'],
    why: 'only programs print',
  },
]

function importsOf(text: string): string[] {
  const found = text.matchAll(
    /(?:^|\n)\s*(?:import|export)\s(?:[^'"\n;]|\n(?!\s*import))*?from\s*['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|(?:^|\n)import\s*['"]([^'"]+)['"]/g,
  )
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}

function ruleFor(file: string): [string, readonly string[]] | undefined {
  return Object.entries(mayImport)
    .filter(([place]) => file === place || file.startsWith(`${place}/`))
    .toSorted(([a], [b]) => b.length - a.length)[0]
}

const shipped = sourceFiles('packages').filter(
  (file) => /^packages\/[^/]+\/src\//.test(file) && !isTestFile(file),
)

test('every shipped source file imports only what its folder may', () => {
  const wrong: string[] = []
  for (const file of shipped) {
    const rule = ruleFor(file)
    if (!rule) {
      wrong.push(`${file}: no rule for its folder`)
      continue
    }
    for (const name of importsOf(readFileSync(join(root, file), 'utf8'))) {
      const target = name.startsWith('.') ? relative(root, join(root, dirname(file), name)) : name
      const allowed = rule[1].some(
        (place) =>
          target === place ||
          target.startsWith(place.endsWith('/') || place.endsWith(':') ? place : `${place}/`),
      )
      if (!allowed) wrong.push(`${file} imports ${target}; ${rule[0]} may import ${rule[1].join(', ')}`)
    }
  }
  assert.deepEqual(wrong, [])
})

test('environment, clock, randomness and printing stay where they belong', () => {
  const wrong: string[] = []
  for (const file of shipped) {
    const code = readFileSync(join(root, file), 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '')
    for (const { what, where, why } of onlyIn) {
      if (what.test(code) && !where.some((place) => file.startsWith(place)))
        wrong.push(`${file}: ${what.source} (${why})`)
    }
  }
  assert.deepEqual(wrong, [])
})
