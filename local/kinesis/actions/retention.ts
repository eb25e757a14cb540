import type { Action } from '../../aws-json.ts'
import type { KinesisStore } from '../store.ts'
import { validateRetentionPeriod } from '../validations/retention.ts'
import { activeStream } from '../validations/stream-state.ts'

export const increaseStreamRetentionPeriod =
  (store: KinesisStore): Action =>
  input => {
    const stream = activeStream(store, input)
    stream.retentionHours = validateRetentionPeriod(input, stream, 'longer')
    store.update(stream)
    return {}
  }

/** What is older than the new period cannot be read any more, at once. */
export const decreaseStreamRetentionPeriod =
  (store: KinesisStore): Action =>
  input => {
    const stream = activeStream(store, input)
    stream.retentionHours = validateRetentionPeriod(input, stream, 'shorter')
    store.update(stream)
    return {}
  }
