import { z } from 'zod'

/** A secret that this server reads from its own surroundings each time it is needed, instead of keeping it. */
export const SecretReference = z.union([
  z.strictObject({
    env: z
      .string()
      .max(128)
      .regex(
        /^SIGNPOST_SECRET_[A-Z0-9_]+$/,
        'must be the name of a variable that begins with SIGNPOST_SECRET_',
      )
      .describe("A variable of the server's environment"),
  }),
  z.strictObject({
    file: z
      .string()
      .min(1)
      .max(512)
      .regex(
        /^(?!\/)(?![\s\S]*(?:^|\/)\.\.?(?:\/|$))\P{Cc}+$/u,
        'must be a path below SIGNPOST_SECRETS_DIR, without . and .. and without control characters',
      )
      .describe(
        'A file below SIGNPOST_SECRETS_DIR, such as a mounted Kubernetes secret; read again when it changes',
      ),
  }),
])
export type SecretReference = z.infer<typeof SecretReference>

/** The secret itself (sealed, never shown again), or where the server finds it (for organisation admins). */
export function secretText(max: number) {
  return textOrReference(z.string().min(1).max(max), max).describe(
    'The secret (sealed, never shown again), or `{env}` or `{file}`: where the server reads it',
  )
}

/**
 * No secret, but it is renewed together with one: the text, or where the server finds it. It stands in every URL: a text
 * with blanks or line breaks holds something else besides, such as the secret.
 */
export function renewedText(max: number) {
  return textOrReference(
    z
      .string()
      .regex(/^[\x21-\x7e]+$/, 'must be printable ASCII without blanks')
      .max(max),
    max,
  )
}

function textOrReference(text: z.ZodString, max: number) {
  return z.union([text, SecretReference], {
    error: `must be a text of 1 to ${max} characters (an id in printable ASCII without blanks), or {env}: a variable SIGNPOST_SECRET_..., or {file}: a path below SIGNPOST_SECRETS_DIR`,
  })
}

/** Settings with every reference replaced by what it refers to. */
export type Resolved<T> = T extends SecretReference
  ? string
  : T extends string | number | boolean | null | undefined
    ? T
    : T extends readonly (infer U)[]
      ? Resolved<U>[]
      : { [K in keyof T]: Resolved<T[K]> }
