/** Random input for the tests: keys and texts made of what encoders get wrong. */

import fc from 'fast-check'

/** A new seed for every run. Each test prints it, and fast-check when it fails; to replay, write it here for a while. */
export const seed: number = Date.now() % 2 ** 31

const awkwardCharacters = '+%=&\'()*~ !?#;:,@$^`"<>[]{}|\\/._-aZ09'
  .split('')
  .concat(['%2F', '%20', '//', 'é', 'ß', 'ሴ', '日本', '😀', '\u00a0', '\t', 'Straße'])

export const awkwardText: fc.Arbitrary<string> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .array(fc.constantFrom(...awkwardCharacters), { minLength: 1, maxLength: 24 })
      .map((parts) => parts.join('')),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }) },
  { weight: 1, arbitrary: fc.stringMatching(/^[a-z0-9/._-]{1,80}$/) },
  { weight: 1, arbitrary: fc.constant(`long/${'x y+é/'.repeat(30)}end`) },
)

/** Without `.` and `..` segments, which the signers refuse. */
export const awkwardKey: fc.Arbitrary<string> = awkwardText.filter(
  (text) => text.isWellFormed() && !text.split('/').some((segment) => segment === '.' || segment === '..'),
)

export const username: fc.Arbitrary<string> = awkwardText.filter((text) => text.isWellFormed())
