/**
 * How the promises about speed are measured: subject and baseline in one process and one run, in interleaved rounds, so
 * that what else the machine does meets both alike. The figure is a ratio, never a rate, and it is taken per round.
 */

export interface Spread {
  min: number
  median: number
  max: number
}

/** One promise: the subject's rate over the baseline's, and what it has to be. */
export interface BenchRow {
  name: string
  /** Of the rates below, `URLs/s of CPU time`. */
  unit: string
  /** The median ratio has to be at least this (or at most, where `bound` says so); 0 where a figure is only reported. */
  target: number
  /** `atLeast` unless told. */
  bound?: 'atLeast' | 'atMost'
  ratio: Spread
  subject: Spread
  baseline: Spread
  isMet: boolean
}

export interface Variant {
  name: string
  /**
   * Does the work `count` times. Has to use each result (`flatten`), or the engine leaves strings unwritten and work undone.
   * Awaited only if it is a promise.
   */
  run: (count: number) => void | Promise<void>
}

export interface RoundOptions {
  rounds: number
  warmUpMilliseconds: number
  roundMilliseconds: number
  /** `cpu`: user and system time of all threads of the process; `wall` where the use of several cores is the point. */
  clock: 'cpu' | 'wall'
}

export type RatesByVariant = ReadonlyMap<string, readonly number[]>

/** Runs every variant once a round, one after another, after each has been warmed up. Gives operations a second. */
export async function measureRounds(
  variants: readonly Variant[],
  options: RoundOptions,
): Promise<RatesByVariant> {
  const rates = new Map<string, number[]>(variants.map(({ name }) => [name, []]))
  for (const variant of variants) await rateOf(variant, options.warmUpMilliseconds, options.clock)
  for (let round = 0; round < options.rounds; round++) {
    for (const variant of variants) {
      rates.get(variant.name)!.push(await rateOf(variant, options.roundMilliseconds, options.clock))
    }
  }
  return rates
}

async function rateOf(variant: Variant, milliseconds: number, clock: RoundOptions['clock']): Promise<number> {
  const now = clock === 'cpu' ? cpuMilliseconds : () => performance.now()
  const startedAt = now()
  let done = 0
  let count = 1
  for (;;) {
    const pending = variant.run(count)
    if (pending !== undefined) await pending
    done += count
    const elapsed = now() - startedAt
    if (elapsed >= milliseconds) return (done / elapsed) * 1000
    // Batches of about a tenth of the slot, so that reading the clock does not count.
    count = Math.max(
      1,
      Math.min(count * 4, Math.ceil((done / Math.max(elapsed, 0.01)) * (milliseconds / 10))),
    )
  }
}

function cpuMilliseconds(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** `target` is the least ratio of the subject's rate to the baseline's. */
export function compare(
  rates: RatesByVariant,
  row: { name: string; unit: string; target: number; subject: string; baseline: string },
): BenchRow {
  const subject = rates.get(row.subject)!
  const baseline = rates.get(row.baseline)!
  const ratio = spreadOf(subject.map((rate, round) => rate / baseline[round]!))
  const { name, unit, target } = row
  return {
    name,
    unit,
    target,
    ratio,
    subject: spreadOf(subject),
    baseline: spreadOf(baseline),
    isMet: ratio.median >= target,
  }
}

/** A promise about an absolute figure: the ratio is to the limit, and the limit stands as the baseline. */
export function limitRow(row: {
  name: string
  unit: string
  /** One figure a round. */
  values: readonly number[]
  atLeast?: number
  atMost?: number
  /** False: reported only. */
  isPromise?: boolean
}): BenchRow {
  const { name, unit, values, atLeast, atMost, isPromise = true } = row
  const limit = atLeast ?? atMost ?? 1
  const ratio = spreadOf(values.map((value) => value / limit))
  return {
    name,
    unit,
    target: isPromise ? 1 : 0,
    bound: atLeast === undefined ? 'atMost' : 'atLeast',
    ratio,
    subject: spreadOf(values),
    baseline: { min: limit, median: limit, max: limit },
    isMet: !isPromise || (atLeast === undefined ? ratio.median <= 1 : ratio.median >= 1),
  }
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = sorted.length >> 1
  const median = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
  return { min: sorted[0]!, median, max: sorted.at(-1)! }
}

/** V8 joins strings lazily: reading one character makes it write the whole string out, as sending it would. */
export function flatten(text: string): number {
  return text.charCodeAt(text.length - 1)
}

export function printRows(title: string, rows: readonly BenchRow[]): void {
  console.log(`\n${title} (Node ${process.version}; ratio: median, min-max of rounds)`)
  console.table(
    rows.map(({ name, unit, target, bound, ratio, subject, baseline, isMet }) => ({
      promise: name,
      ratio: `${ratio.median.toFixed(2)} (${ratio.min.toFixed(2)}-${ratio.max.toFixed(2)})`,
      target: target === 0 ? '-' : `${bound === 'atMost' ? '<=' : '>='} ${target}`,
      met: target === 0 ? '-' : isMet ? 'yes' : 'MISSED',
      subject: readable(subject.median),
      baseline: readable(baseline.median),
      unit,
    })),
  )
}

function readable(value: number): number {
  return value >= 100 ? Math.round(value) : Number(value.toPrecision(3))
}
