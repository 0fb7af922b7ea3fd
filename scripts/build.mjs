/**
 * The server as `npm start` runs it: its sources and what they need, in a few files. From hundreds of files it takes 50 MB
 * more and starts later (decision 16). A stamp says what went in; while that is unchanged nothing is done. Runs on Node 20.
 */
import { createHash } from 'node:crypto'
import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { takeLock } from './install.mjs'
import { root } from './node-version.mjs'

const source = 'packages/server/src'
const target = 'packages/server/build'
const migrationsFolder = 'store/migrations'
const stampFile = join(root, target, 'built.json')
/** Part of the code that a running server of before may still load. */
const keepMs = 7 * 86_400_000

/** What to run. Where nothing can be written the sources do the same; so they do if they cannot be bundled. */
export async function builtServer() {
  const file = join(target, 'main.js')
  if (isFresh()) return file
  try {
    const release = await takeLock(isFresh, 'preparing the server')
    if (!release) return file
    try {
      process.stdout.write('signpost: putting the server together, once ...\n')
      await build()
    } finally {
      release()
    }
    return file
  } catch (error) {
    process.stderr.write(
      `signpost: running from the sources, with more memory: the server cannot be bundled (${error.message.split('\n', 1)[0]})\n`,
    )
    return join(source, 'main.ts')
  }
}

async function build() {
  const { build: bundle } = await import('esbuild')
  rmSync(stampFile, { force: true })
  const begun = Date.now()
  const { metafile, outputFiles } = await bundle({
    absWorkingDir: root,
    entryPoints: [`${source}/main.ts`, `${source}/store/sqlite-writer.ts`],
    outbase: source,
    outdir: target,
    // With the files beside the sources that some of it reads: the store's.
    chunkNames: 'store/[name]-[hash]',
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    mainFields: ['module', 'main'],
    target: 'node24',
    // Names stay, for the log's stack traces.
    minifyWhitespace: true,
    minifySyntax: true,
    lineLimit: 200,
    legalComments: 'none',
    banner: {
      js: "import{createRequire as signpostRequire}from'node:module';const require=signpostRequire(import.meta.url);",
    },
    metafile: true,
    write: false,
    logLevel: 'silent',
  })
  requireNames(metafile.inputs)
  for (const { path, contents } of outputFiles) replace(path, (file) => writeFileSync(file, contents))
  for (const name of migrations())
    replace(join(root, target, name), (file) => copyFileSync(join(root, source, name), file))
  removeOld(new Set(outputFiles.map(({ path }) => relative(root, path))), begun)
  const inputs = Object.keys(metafile.inputs).filter((file) => !file.includes('node_modules/'))
  const files = [...inputs, ...othersThatDecide()]
  writeFileSync(stampFile, JSON.stringify(Object.fromEntries(files.map((file) => [file, stateOf(file)]))))
}

/** Whole at every moment: a server may be starting. */
function replace(file, write) {
  mkdirSync(dirname(file), { recursive: true })
  write(`${file}.new`)
  renameSync(`${file}.new`, file)
}

const migrations = () =>
  readdirSync(join(root, source, migrationsFolder)).map((name) => `${migrationsFolder}/${name}`)

/** Beside the sources: the dependencies, and how all is put together. */
const othersThatDecide = () => [
  'package-lock.json',
  'scripts/build.mjs',
  ...['contract', 'local-store', 'server', 'signing'].map((name) => `packages/${name}/package.json`),
  ...migrations().map((name) => `${source}/${name}`),
]

function isFresh() {
  try {
    const stamp = JSON.parse(readFileSync(stampFile, 'utf8'))
    return (
      othersThatDecide().every((file) => file in stamp) &&
      Object.entries(stamp).every(([file, state]) => stateOf(file) === state)
    )
  } catch {
    return false
  }
}

/** Of what is in it, not of its time: a checkout, an archive or a copy sets that as it likes. */
function stateOf(file) {
  return createHash('sha256')
    .update(readFileSync(join(root, file)))
    .digest('base64url')
}

/** What is loaded late from CommonJS would come without its names. */
function requireNames(inputs) {
  for (const [file, { imports }] of Object.entries(inputs))
    for (const { kind, path, external } of imports)
      if (kind === 'dynamic-import' && !external && inputs[path]?.format !== 'esm')
        throw new Error(`${file} imports ${path} late, which is CommonJS`)
}

function removeOld(current, begun) {
  const folder = join(root, target, 'store')
  for (const name of readdirSync(folder)) {
    const file = join(folder, name)
    if (!name.endsWith('.js') || current.has(`${target}/store/${name}`)) continue
    if (begun - statSync(file).mtimeMs > keepMs) rmSync(file, { force: true })
  }
}
