/** Values as Terraform reads them. "HCL native syntax specification", quoted templates: `${` and `%{` begin an expression. */

/** A text in quotes. JSON's escapes are HCL's, but for \b and \f. */
export function hclText(text: string): string {
  return JSON.stringify(text)
    .replaceAll('\\b', '\\u0008')
    .replaceAll('\\f', '\\u000c')
    .replace(/[$%]\{/g, (start) => `${start[0]}${start}`)
}

/** Any JSON value; `{` and `[` break lines, so that it can be read. */
export function hclValue(value: unknown, indent = 0): string {
  const pad = '  '.repeat(indent + 1)
  const end = '  '.repeat(indent)
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]'
    if (value.every((one) => typeof one !== 'object'))
      return `[${value.map((one) => hclValue(one)).join(', ')}]`
    return `[\n${value.map((one) => `${pad}${hclValue(one, indent + 1)},\n`).join('')}${end}]`
  }
  if (typeof value === 'object' && value !== null) {
    const members = Object.entries(value).filter(([, one]) => one !== undefined)
    if (members.length === 0) return '{}'
    const lines = members.map(([name, one]) => `${pad}${nameOf(name)} = ${hclValue(one, indent + 1)}\n`)
    return `{\n${lines.join('')}${end}}`
  }
  return typeof value === 'string' ? hclText(value) : JSON.stringify(value)
}

/** `resource "type" "name" { ... }`: arguments, then nested blocks, in the order given. */
export function hclBlock(
  head: readonly string[],
  body: Readonly<Record<string, unknown>>,
  blocks: readonly string[] = [],
): string {
  const [type, ...labels] = head
  const lines = Object.entries(body)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `  ${name} = ${isExpression(value) ? value.hcl : hclValue(value, 1)}\n`)
  const nested = blocks.map((block) => `${indented(block)}\n`)
  return `${[type, ...labels.map(hclText)].join(' ')} {\n${lines.join('')}${nested.join('')}}`
}

/** Text that Terraform works out, such as a call. */
interface Expression {
  hcl: string
}

/** Terraform keeps policies as JSON text. */
export function jsonencode(value: unknown): Expression {
  return { hcl: `jsonencode(${hclValue(value, 1)})` }
}

function isExpression(value: unknown): value is Expression {
  return typeof value === 'object' && value !== null && 'hcl' in value
}

/** A name for a resource: letters, digits, _ and -. */
export function hclName(text: string): string {
  const name = text.replace(/[^A-Za-z0-9_-]/g, '_')
  return /^[A-Za-z_]/.test(name) ? name : `_${name}`
}

function nameOf(name: string): string {
  return /^[A-Za-z_][A-Za-z0-9_]*$/.test(name) ? name : hclText(name)
}

function indented(text: string): string {
  return text.replace(/^(?=.)/gm, '  ')
}
