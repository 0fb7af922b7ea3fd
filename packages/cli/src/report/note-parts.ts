/** A note of the server's, whose commands stand between backticks. Nothing else in it is taken for one: it may hold anybody's text. */
const command = /`(signpost [a-z][a-z0-9 -]*)`/

export function noteParts(note: string): { text: string; isCommand: boolean }[] {
  return note
    .split(command)
    .map((text, index) => ({ text, isCommand: index % 2 === 1 }))
    .filter(({ text }) => text !== '')
}
