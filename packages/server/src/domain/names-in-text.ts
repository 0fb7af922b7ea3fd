/** Whether a line that nobody could read names somebody: as a whole value, however the line writes it. Pure. */

/** A log may encode what a client had encoded already. */
const encodingsMax = 4
/** One character, as often encoded. */
const besideCharacters = 48
/** Goes on with a word: what stands beside one of these is a part of another name. Encoded, too, it is what it stands for. */
const wordCharacter = /[\p{L}\p{N}\p{M}._@~+*!$-]/u
/** Ends a sentence, and is no part of a name then. */
const sentenceEnd = /^[.!]+(?=$|[\s"'),;:\]}>])/u

export function isNamed(text: string, names: Iterable<string>): boolean {
  const wanted = [...names].filter((name) => name !== '').map((name) => name.normalize('NFC'))
  return readingsOf(text).some((reading) => wanted.some((name) => holdsWhole(reading, name)))
}

function holdsWhole(text: string, name: string): boolean {
  for (let at = text.indexOf(name); at !== -1; at = text.indexOf(name, at + 1))
    if (!isWithinWord(text, at, at + name.length)) return true
  return false
}

/** Beside a name an encoded letter is a letter: `ann%40example.com` is not `ann`. */
function isWithinWord(text: string, start: number, end: number): boolean {
  const before = decoded(text.slice(Math.max(0, start - besideCharacters), start))
  const after = decoded(text.slice(end, end + besideCharacters))
  if (wordCharacter.test(Array.from(before).at(-1) ?? '')) return true
  return wordCharacter.test(Array.from(after)[0] ?? '') && !sentenceEnd.test(after)
}

/** As it stands, and with each layer of encoding taken off. */
function readingsOf(text: string): string[] {
  const readings = new Set<string>()
  const add = (reading: string): string => {
    readings.add(reading.normalize('NFC'))
    // A form's blank. Beside what it stands for: it may be a name's own.
    readings.add(reading.replaceAll('+', ' ').normalize('NFC'))
    return reading
  }
  let plain = add(text)
  for (let times = 0; times < encodingsMax; times += 1) {
    const next = add(unescaped(add(percentDecoded(plain))))
    if (next === plain) break
    plain = next
  }
  return [...readings]
}

function decoded(text: string): string {
  let plain = text
  for (let times = 0; times < encodingsMax; times += 1) plain = unescaped(percentDecoded(plain))
  return plain
}

/** RFC 3986 §2.1, run by run: what is no UTF-8 in one place hides nothing in another. */
function percentDecoded(text: string): string {
  return text.replaceAll(/(?:%[0-9a-f]{2})+/gi, (run) =>
    Buffer.from(run.replaceAll('%', ''), 'hex').toString('utf8'),
  )
}

/** `\u00e9`, `\xc3\xa9`, `\"`, `\/`: JSON (RFC 8259 §7), and how web servers write bytes. */
function unescaped(text: string): string {
  return text.replaceAll(
    /((?:\\x[0-9a-f]{2})+)|\\u([0-9a-f]{4})|\\(["'\\/])/gi,
    (_, bytes?: string, unit?: string, sign = '') =>
      bytes !== undefined
        ? Buffer.from(bytes.replaceAll(/\\x/gi, ''), 'hex').toString('utf8')
        : unit !== undefined
          ? String.fromCharCode(Number.parseInt(unit, 16))
          : String(sign),
  )
}
