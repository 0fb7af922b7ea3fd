/** A signing request that cannot be honoured. `field` is the path of the argument at fault; the message says how to mend it. */
export class SigningInputError extends TypeError {
  readonly field: string

  constructor(field: string, fix: string) {
    super(`${field} ${fix}`)
    this.name = 'SigningInputError'
    this.field = field
  }
}
