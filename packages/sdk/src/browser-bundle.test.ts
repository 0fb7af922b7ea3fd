import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import { it } from 'node:test'
import { build } from 'esbuild'

it('is free of Node, so that it can be bundled for browsers', async () => {
  const result = await build({
    entryPoints: [fileURLToPath(new URL('index.ts', import.meta.url))],
    bundle: true,
    platform: 'browser',
    format: 'esm',
    write: false,
    metafile: true,
    logLevel: 'silent',
  })
  assert.deepEqual(result.errors, [])
  const inputs = Object.keys(result.metafile.inputs)
  assert.deepEqual(
    inputs.filter((path) => !/(packages\/(sdk|contract)|node_modules\/zod)\//.test(path)),
    [],
  )
  assert.ok(!/\bprocess\.env\b|["']node:/.test(result.outputFiles[0]?.text ?? ''))
})
