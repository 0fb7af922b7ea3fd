/** /docs: the API as one readable page, rendered from its OpenAPI document. No scripts. */
import { hash } from 'node:crypto'
import { commonErrors, errorCatalogue, openApiDocument, operations, rawOperations } from '@signpost/contract'

interface Schema {
  type?: string | string[]
  description?: string
  enum?: unknown[]
  const?: unknown
  properties?: Record<string, Schema>
  required?: string[]
  items?: Schema
  anyOf?: Schema[]
  oneOf?: Schema[]
  additionalProperties?: Schema | boolean
  $ref?: string
  default?: unknown
  format?: string
}
interface Content {
  schema: Schema
  example?: unknown
}
interface Described {
  operationId: string
  tags: string[]
  summary: string
  description?: string
  parameters: { name: string; in: string; required: boolean; schema: Schema; description?: string }[]
  /** `description`: of a body that is no JSON of ours. */
  requestBody?: { description?: string; content: Record<string, Content> }
  responses: Record<string, { description: string; content?: Record<string, Content> }>
}

const style = `
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 0 auto; padding: 1rem; color: #1a1a1a; background: #fff }
h1, h2, h3 { line-height: 1.2 } h2 { margin-top: 3rem; border-bottom: 1px solid #ccc } h3 { margin-top: 2rem }
code { font: 0.9em ui-monospace, monospace } pre { overflow-x: auto; padding: 0.5rem 0.75rem; border: 1px solid #ccc } .method { font-weight: bold }
table { border-collapse: collapse; width: 100% } td, th { text-align: left; vertical-align: top; padding: 0.25rem 0.75rem 0.25rem 0; border-bottom: 1px solid #e5e5e5 }
nav ul { columns: 2; padding-left: 1.2rem } .dim { color: #595959 }
@media (prefers-color-scheme: dark) { body { color: #e8e8e8; background: #161616 } a { color: #8ab4f8 } td, th, h2, pre { border-color: #444 } .dim { color: #a8a8a8 } }
`

/** What the content security policy allows by its hash, and nothing else. */
export const docsStyleHash = `sha256-${hash('sha256', style, 'base64')}`

export function docsPage(version: string): string {
  const { paths } = openApiDocument(version) as { paths: Record<string, Record<string, Described>> }
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })),
  )
  const tags = [...new Set(described.map(({ operation }) => operation.tags[0] ?? ''))]
  const sections = tags.map((tag) => {
    const own = described.filter(({ operation }) => operation.tags[0] === tag)
    return `<h2>${text(tag)}</h2>${own.map(({ path, method, operation }) => operationSection(path, method, operation)).join('')}`
  })
  const index = described.map(
    ({ path, method, operation }) =>
      `<li><a href="#${operation.operationId}"><code>${method} ${text(path)}</code></a></li>`,
  )
  return `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Signpost API</title><style>${style}</style></head><body>
<h1>Signpost API</h1>
<p>Version ${text(version)}. Send an API key with each call: <code>Authorization: Bearer sp_...</code>. The same as data: <a href="/openapi.json">OpenAPI 3.1</a>.</p>
<nav aria-label="Operations"><ul>${index.join('')}</ul></nav>
${sections.join('\n')}
<h2>Errors</h2><p>An error is <code>application/problem+json</code> (RFC 9457) with a <code>code</code> and the <code>requestId</code>. Every operation may answer ${commonErrors.map((code) => `<code>${code}</code>`).join(', ')}.</p>
<table><thead><tr><th scope="col">Code</th><th scope="col">Status</th><th scope="col">Meaning</th></tr></thead><tbody>${Object.entries(
    errorCatalogue,
  )
    .map(
      ([code, { status, title }]) =>
        `<tr><td><code>${code}</code></td><td>${status}</td><td>${text(title)}</td></tr>`,
    )
    .join('')}</tbody></table>
</body></html>`
}

function operationSection(path: string, method: string, operation: Described): string {
  const { content = {}, description: raw } = operation.requestBody ?? {}
  const { schema: body, example } = (raw === undefined && content['application/json']) || {}
  const [status = '', success] =
    Object.entries(operation.responses).find(([code]) => code.startsWith('2')) ?? []
  const [type = '', reply] = Object.entries(success?.content ?? {})[0] ?? []
  return `<section><h3 id="${operation.operationId}"><code><span class="method">${method}</span> ${text(path)}</code></h3>
<p>${text(operation.summary)}. ${marked(operation.description ?? '')}</p>
${fieldTable(
  'Parameters',
  operation.parameters.map((parameter) => ({
    name: parameter.name,
    schema: { ...parameter.schema, description: parameter.description ?? parameter.schema.description ?? '' },
    required: parameter.required,
  })),
)}${body ? fieldTable('Body', fieldsOf(body)) : ''}${raw === undefined ? '' : `<p>Body: ${marked(raw)}</p>`}${
    reply ? fieldTable(`Answer ${status}, ${type}`, fieldsOf(reply.schema)) : `<p>Answer: ${status}</p>`
  }${example === undefined ? '' : exampleOf(path, example, reply?.example)}${errorsOf(operation)}</section>`
}

function exampleOf(path: string, request: unknown, reply: unknown): string {
  const asked = `POST ${path.replace('{team}', 'vision')}\n${JSON.stringify(request, null, 2)}`
  return `<p class="dim">Example</p><pre><code>${text(asked)}</code></pre><pre><code>${text(JSON.stringify(reply, null, 2))}</code></pre>`
}

/** The codes that not every operation may answer. */
function errorsOf({ operationId }: Described): string {
  const all: Record<string, { errors: readonly string[] }> = { ...operations, ...rawOperations }
  const errors = all[operationId]?.errors ?? []
  if (errors.length === 0) return ''
  return `<p>Errors beside the common ones: ${errors.map((code) => `<code>${code}</code>`).join(', ')}</p>`
}

interface Field {
  name: string
  schema: Schema
  required: boolean
}

/** Fields of an object, those of its objects too, by their path. */
function fieldsOf(schema: Schema, prefix = '', depth = 0): Field[] {
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) {
    const fields = choices.flatMap((choice) => fieldsOf(choice, prefix, depth))
    return fields.filter(
      (field, at) =>
        fields.findIndex(
          ({ name, schema: other }) => name === field.name && typeOf(other) === typeOf(field.schema),
        ) === at,
    )
  }
  if (schema.items) return fieldsOf(schema.items, `${prefix}[].`, depth)
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    const own = {
      name: `${prefix}${name}`,
      schema: field,
      required: schema.required?.includes(name) ?? false,
    }
    return depth < 3
      ? [own, ...fieldsOf(field, `${prefix}${name}${field.items ? '' : '.'}`, depth + 1)]
      : [own]
  })
}

function fieldTable(caption: string, fields: Field[]): string {
  if (fields.length === 0) return ''
  const rows = fields.map(
    ({ name, schema, required }) =>
      `<tr><td><code>${text(name)}</code></td><td>${text(typeOf(schema))}${required ? '' : ' <span class="dim">optional</span>'}</td><td>${marked(schema.description ?? '')}</td></tr>`,
  )
  return `<table><caption class="dim">${text(caption)}</caption><thead><tr><th scope="col">Field</th><th scope="col">Type</th><th scope="col">Meaning</th></tr></thead><tbody>${rows.join('')}</tbody></table>`
}

function typeOf(schema: Schema): string {
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  const choices = schema.anyOf ?? schema.oneOf
  if (choices) return [...new Set(choices.map(typeOf))].join(' | ')
  if (schema.$ref) return schema.$ref.split('/').at(-1) ?? ''
  if (schema.items) return `${typeOf(schema.items)}[]`
  const type = Array.isArray(schema.type) ? schema.type.join(' | ') : (schema.type ?? 'any')
  return schema.format === 'date-time' ? 'instant' : type
}

/** Markdown, as far as descriptions use it. */
const marked = (value: string) => text(value).replaceAll(/`([^`]+)`/g, '<code>$1</code>')

const text = (value: string) =>
  value.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
