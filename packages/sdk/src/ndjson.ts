const lineCharsMax = 4 * 1024 * 1024

/**
 * The JSON documents of an NDJSON stream, one a line. Pulls no more from the stream than the caller asks for.
 * Leaving the loop early cancels the stream.
 *
 * @throws SyntaxError for a line that is no JSON, or a last line without its line feed that is cut off
 */
export async function* parseNdjson(stream: ReadableStream<Uint8Array>): AsyncGenerator<unknown, void, void> {
  const reader = stream.getReader()
  const decoder = new TextDecoder()
  let rest = ''
  try {
    for (;;) {
      const { done, value } = await reader.read()
      const text = done ? decoder.decode() : decoder.decode(value, { stream: true })
      const lines = text.split('\n')
      lines[0] = rest + (lines[0] ?? '')
      rest = lines.pop() ?? ''
      if (rest.length > lineCharsMax) throw new SyntaxError('A line of the NDJSON stream is too long')
      for (const line of lines) if (line.trim() !== '') yield JSON.parse(line)
      if (!done) continue
      if (rest.trim() !== '') yield JSON.parse(rest)
      return
    }
  } finally {
    reader.cancel().catch(() => {})
  }
}
