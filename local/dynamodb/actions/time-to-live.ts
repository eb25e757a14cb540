import { AwsError } from '../../aws-json.ts'
import { constraintError } from '../../constraint-error.ts'
import type { Input } from '../dynalite.ts'
import type { DynamodbAction } from '../store.ts'

export const updateTimeToLive: DynamodbAction = async (store, input) => {
  const state = await store.stateOf(input.TableName)
  const { Enabled: isEnabled, AttributeName: attribute } = (input.TimeToLiveSpecification ?? {}) as Input
  if (
    typeof isEnabled !== 'boolean' ||
    typeof attribute !== 'string' ||
    attribute === '' ||
    attribute.length > 255
  ) {
    throw constraintError(
      'timeToLiveSpecification',
      'Member must have enabled, and an attributeName of length 1 to 255'
    )
  }
  const current = state.timeToLiveAttribute
  if (isEnabled && current !== undefined) throw refused('TimeToLive is already enabled')
  if (!isEnabled && current === undefined) throw refused('TimeToLive is already disabled')
  if (!isEnabled && current !== attribute) {
    throw refused(`TimeToLive is active on a different AttributeName: current AttributeName is ${current}`)
  }
  state.timeToLiveAttribute = isEnabled ? attribute : undefined
  return { TimeToLiveSpecification: { Enabled: isEnabled, AttributeName: attribute } }
}

export const describeTimeToLive: DynamodbAction = async (store, input) => {
  const { timeToLiveAttribute: attribute } = await store.stateOf(input.TableName)
  return {
    TimeToLiveDescription:
      attribute === undefined
        ? { TimeToLiveStatus: 'DISABLED' }
        : { TimeToLiveStatus: 'ENABLED', AttributeName: attribute }
  }
}

function refused(message: string): AwsError {
  return new AwsError('ValidationException', message)
}
