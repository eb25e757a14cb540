import type { Action } from '../../aws-json.ts'
import type { KinesisStore } from '../store.ts'
import { validateRecordDistribution } from '../validations/stream.ts'
import { activeStreamByArn } from '../validations/stream-state.ts'

/** Takes effect with the next record: there is no UPDATING in between. */
export const updateStreamRecordDistributionStrategy =
  (store: KinesisStore): Action =>
  input => {
    const stream = activeStreamByArn(store, input)
    stream.recordDistribution = validateRecordDistribution(input.RecordDistributionStrategy, stream.mode)
    return {}
  }
