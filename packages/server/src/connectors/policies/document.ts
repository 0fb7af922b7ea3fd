import type { PolicyDocument } from '@signpost/contract'

type Format = PolicyDocument['format']

export function policyDocument(
  name: string,
  title: string,
  format: Format,
  text: string,
  notes: readonly string[] = [],
): PolicyDocument {
  return { name, title, format, text: text.endsWith('\n') ? text : `${text}\n`, notes: [...notes] }
}

export function jsonDocument(
  name: string,
  title: string,
  value: unknown,
  notes: readonly string[] = [],
): PolicyDocument {
  return policyDocument(name, title, 'json', JSON.stringify(value, null, 2), notes)
}

/** Several resources. */
export function terraformDocument(
  name: string,
  title: string,
  blocks: readonly string[],
  notes: readonly string[] = [],
): PolicyDocument {
  return policyDocument(name, title, 'terraform', blocks.join('\n\n'), notes)
}

/** For a POSIX shell: the text as one word. */
export function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:=@%+,-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
