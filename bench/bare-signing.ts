/** Nothing but the signing: how many URLs a second of `presignS3` on one core. A process of its own, beside the server's. */
import { measureRounds } from './bench.ts'
import { cores, jsonOf, startNode } from './processes.ts'
import { signpostS3 } from './signing-variants.ts'

export function bareSigningRate(): Promise<number> {
  return jsonOf(startNode([import.meta.filename], { core: cores?.server }))
}

if (import.meta.main) {
  const signing = signpostS3()
  const options = { rounds: 1, warmUpMilliseconds: 300, roundMilliseconds: 500, clock: 'wall' } as const
  const rates = await measureRounds([signing], options)
  console.log(JSON.stringify(rates.get(signing.name)![0]))
}
