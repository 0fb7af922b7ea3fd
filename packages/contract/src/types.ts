import type { z } from 'zod'
import type { OperationId, Operations } from './operations.ts'

type Part<Id extends OperationId, Name extends string> =
  Operations[Id] extends Record<Name, infer S extends z.ZodType> ? S : undefined
type Output<S> = S extends z.ZodType ? z.output<S> : undefined
type Input<S> = S extends z.ZodType ? z.input<S> : undefined

/** What a handler on the server gets: parsed, defaults filled in. */
export interface ParsedInput<Id extends OperationId> {
  params: Output<Part<Id, 'params'>>
  query: Output<Part<Id, 'query'>>
  body: Output<Part<Id, 'body'>>
}

/** What a client passes: only what the operation takes. */
export type CallInput<Id extends OperationId> = {
  [Name in 'params' | 'query' | 'body' as Part<Id, Name> extends undefined ? never : Name]: Input<
    Part<Id, Name>
  >
}

/** The reply; one line of it for a streamed operation; undefined where there is none (204). */
export type Reply<Id extends OperationId> = Output<Part<Id, 'reply'>>
