/** Booking on budgets: in the same write as the record of a URL, so that none leaves unbooked, by whichever replica. */
import { SignpostError } from '@signpost/contract'
import type { BudgetRule } from '../domain/access-rules.ts'
import type { SignRequest } from '../domain/connector.ts'
import {
  countsBytes,
  createSpending,
  minuteEnd,
  type Spending,
  type Spent,
  type Use,
} from '../domain/budget.ts'
import { bookUse, deleteUsesBefore, findBudgetRules, hasUsesBefore, readUses } from '../store/budgets.ts'
import type { TargetRow, WriteUnit } from '../store/store.ts'
import { mostBytes } from './caps.ts'
import type { BrokerDeps } from './deps.ts'

export interface BudgetUse {
  /** Takes a URL and the bytes that may be written by it. Throws where a budget has not enough left. */
  take(request: SignRequest): Taken
  /** The bytes of an upload in parts, which count once. */
  takeUpload(sizeBytes: number | undefined): Taken
  /** Reads what is used by now: asked before many are taken, so that each knows whether it fits. */
  look(): Promise<void>
  /** Writes the unit with what was taken, or throws and takes nothing. */
  commit(unit: WriteUnit): Promise<void>
}

export interface Taken {
  /** It is live until then. */
  keep(endsAt: number, uploadId?: string): void
  giveBack(): void
}

/** Replicas that take of one budget at once refuse each other; each time one of them comes through. */
const triesMax = 50

/** Undefined: no budget is about this, and nothing is paid for it. */
export function budgetUseOf(
  deps: Pick<BrokerDeps, 'store' | 'clock' | 'rules'>,
  target: Omit<TargetRow, 'role'>,
  principalId: string,
): BudgetUse | undefined {
  if (target.budgetRules === null) return undefined
  const { store } = deps
  const { budgets } = deps.rules(target)
  const spending = createSpending(budgets, deps.clock())
  const look = async () => {
    const rules = await findBudgetRules(store.db, principalId, target.teamId)
    const at = deps.clock()
    const ids = rules.map(({ id }) => id)
    spending.know(rules, await readUses(store.db, ids, at), at)
  }
  const commit = async (unit: WriteUnit) => {
    for (let tries = 1; ; tries++) {
      const at = deps.clock()
      const booked = spending.bookings().map((booking) => bookUse(store.db, booking, at))
      try {
        await store.commit({ ...unit, statements: [...unit.statements, ...booked] })
        return spending.written()
      } catch (error) {
        if (!isSpent(error)) throw error
        await look()
        const spent = spending.spent()
        if (spent) throw exhausted(spent, deps.clock())
        if (tries === triesMax) throw busy()
      }
    }
  }
  return {
    take: (request) => takeFor(spending, budgets, request, deps.clock),
    takeUpload(sizeBytes) {
      requireDeclared(budgets, 'sizeBytes', sizeBytes)
      return takeOrThrow(spending, { urls: 0, bytes: sizeBytes ?? 0 }, deps.clock)
    },
    look,
    commit: (unit) =>
      commit(unit).catch((error: unknown) => {
        spending.forget()
        throw error
      }),
  }
}

/** A unit of URLs: with what they take of budgets, where there are any. */
export function commitIssued(
  { deps, budget }: { deps: Pick<BrokerDeps, 'store'>; budget: BudgetUse | undefined },
  unit: WriteUnit,
): Promise<void> {
  return budget === undefined ? deps.store.commit(unit) : budget.commit(unit)
}

function takeFor(
  spending: Spending,
  budgets: readonly BudgetRule[],
  request: SignRequest,
  clock: () => number,
): Taken {
  const { action, method, part } = request
  // Of an upload in parts the whole size was taken when it was opened.
  const writes = action === 'write' && method !== 'DELETE' && part === undefined
  const declared = mostBytes(request)
  if (writes) requireDeclared(budgets, 'contentLength', declared)
  return takeOrThrow(spending, { urls: 1, bytes: writes ? (declared ?? 0) : 0 }, clock)
}

function takeOrThrow(spending: Spending, use: Use, clock: () => number): Taken {
  const spent = spending.take(use)
  if (spent) throw exhausted(spent, clock())
  return {
    keep: (endsAt, uploadId) => spending.live(use.bytes, endsAt, uploadId),
    giveBack: () => spending.giveBack(use),
  }
}

/** Bytes that nobody declares cannot be counted. */
export function requireDeclared(
  budgets: readonly BudgetRule[],
  field: 'contentLength' | 'sizeBytes',
  bytes: number | null | undefined,
): void {
  if (typeof bytes === 'number' || !countsBytes(budgets)) return
  const problem = 'is needed here, since a budget counts bytes: say how long the object is.'
  throw new SignpostError('restricted', `${field}: ${problem}`, { field })
}

function exhausted({ rule, limit, max, freeAt }: Spent, now: number): SignpostError {
  const whose = rule.of === 'team' ? "The team's budget" : 'Your budget'
  if (freeAt === undefined)
    return new SignpostError('budget_exhausted', `${whose} (${limit}: ${max}) is too small for this.`)
  const retryAfterSeconds = Math.max(1, Math.ceil((freeAt - now) / 1000))
  return new SignpostError(
    'budget_exhausted',
    `${whose} is used up (${limit}: ${max}); some of it is free in ${retryAfterSeconds} s.`,
    { retryAfterSeconds },
  )
}

function busy(): SignpostError {
  return new SignpostError('budget_exhausted', 'Too many ask at once for what is left of a budget.', {
    retryAfterSeconds: 1,
  })
}

/** A booking was refused: the budget is spent, or has been changed. */
export function isSpent(error: unknown): boolean {
  return error instanceof SignpostError && error.code === 'conflict' && error.field === 'budget'
}

/** Slots are kept a little longer, since the clocks of replicas differ. */
const keptMs = 3_600_000

/** Forgets slots that have ended. Run by a timer. */
export async function forgetOldUses(deps: Pick<BrokerDeps, 'store' | 'clock'>): Promise<void> {
  const { db } = deps.store
  const before = minuteEnd(deps.clock()) - keptMs
  if (!(await hasUsesBefore(db, before))) return
  await deps.store.commit({ statements: [deleteUsesBefore(db, before)], events: [] })
}
