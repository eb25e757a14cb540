import { AwsError } from '../../aws-json.ts'
import { missingMemberError } from '../../constraint-error.ts'
import type { Input } from '../dynalite.ts'
import type { DynamodbAction, TableState } from '../store.ts'

/** https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_PointInTimeRecoverySpecification.html */
const maxPeriodDays = 35
const dayMs = 86_400_000
/** "LatestRestorableDateTime is typically 5 minutes before the current time", says the same reference. */
const restorableLagMs = 300_000

export const updateContinuousBackups: DynamodbAction = async (store, input) => {
  const state = await store.stateOf(input.TableName, 'TableNotFoundException')
  const { PointInTimeRecoveryEnabled: isEnabled, RecoveryPeriodInDays: days = maxPeriodDays } =
    (input.PointInTimeRecoverySpecification ?? {}) as Input
  if (typeof isEnabled !== 'boolean') {
    throw missingMemberError('pointInTimeRecoverySpecification.pointInTimeRecoveryEnabled')
  }
  if (typeof days !== 'number' || !Number.isInteger(days) || days < 1 || days > maxPeriodDays) {
    throw new AwsError('ValidationException', `RecoveryPeriodInDays must be between 1 and ${maxPeriodDays}`)
  }
  state.pointInTimeRecovery = isEnabled
    ? { sinceMs: state.pointInTimeRecovery?.sinceMs ?? store.nowMs(), periodDays: days }
    : undefined
  return { ContinuousBackupsDescription: describe(state, store.nowMs()) }
}

export const describeContinuousBackups: DynamodbAction = async (store, input) => {
  const state = await store.stateOf(input.TableName, 'TableNotFoundException')
  return { ContinuousBackupsDescription: describe(state, store.nowMs()) }
}

function describe({ pointInTimeRecovery }: TableState, nowMs: number): object {
  if (pointInTimeRecovery === undefined) {
    return {
      ContinuousBackupsStatus: 'ENABLED',
      PointInTimeRecoveryDescription: { PointInTimeRecoveryStatus: 'DISABLED' }
    }
  }
  const { sinceMs, periodDays } = pointInTimeRecovery
  const earliestMs = Math.max(sinceMs, nowMs - periodDays * dayMs)
  return {
    ContinuousBackupsStatus: 'ENABLED',
    PointInTimeRecoveryDescription: {
      PointInTimeRecoveryStatus: 'ENABLED',
      RecoveryPeriodInDays: periodDays,
      EarliestRestorableDateTime: earliestMs / 1000,
      LatestRestorableDateTime: Math.max(earliestMs, nowMs - restorableLagMs) / 1000
    }
  }
}
