import { SignpostError } from '@signpost/contract'
import type { Handlers } from './deps.ts'

export const listBudgets: Handlers['listBudgets'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const setBudget: Handlers['setBudget'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}

export const deleteBudget: Handlers['deleteBudget'] = () => {
  throw new SignpostError('internal', 'Not there yet.')
}
