/**
 * Judges an ExportLogsServiceRequest by the messages of opentelemetry-proto v1 (logs/v1/logs.proto, common/v1), in their
 * JSON form: lowerCamelCase names, 64-bit integers as strings, ids in hex.
 */
import { z } from 'zod'

const uint64 = z.string().regex(/^\d{1,20}$/)
const AnyValue: z.ZodType = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ boolValue: z.boolean() }),
  z.strictObject({ intValue: z.string().regex(/^-?\d{1,19}$/) }),
  z.strictObject({ doubleValue: z.number() }),
])
const attributes = z
  .array(z.strictObject({ key: z.string().min(1), value: AnyValue }))
  .refine((all) => new Set(all.map(({ key }) => key)).size === all.length, 'attributes come twice')

const Request = z.strictObject({
  resourceLogs: z.array(
    z.strictObject({
      resource: z.strictObject({ attributes, droppedAttributesCount: z.number().optional() }),
      scopeLogs: z.array(
        z.strictObject({
          scope: z.strictObject({ name: z.string(), version: z.string().optional() }),
          logRecords: z.array(
            z.strictObject({
              timeUnixNano: uint64,
              observedTimeUnixNano: uint64,
              severityNumber: z.number().int().min(1).max(24),
              severityText: z.string(),
              eventName: z.string().optional(),
              body: AnyValue,
              attributes,
              traceId: z
                .string()
                .regex(/^[\da-f]{32}$/)
                .optional(),
              spanId: z
                .string()
                .regex(/^[\da-f]{16}$/)
                .optional(),
            }),
          ),
          schemaUrl: z.string().optional(),
        }),
      ),
    }),
  ),
})

/** Empty: nothing is wrong. */
export function otlpProblems(request: unknown): string[] {
  return (
    Request.safeParse(request).error?.issues.map(({ path, message }) => `${path.join('.')}: ${message}`) ?? []
  )
}
