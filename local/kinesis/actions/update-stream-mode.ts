import { type Action, AwsError } from '../../aws-json.ts'
import type { KinesisStore } from '../store.ts'
import { validateStreamMode } from '../validations/stream.ts'
import { activeStreamByArn } from '../validations/stream-state.ts'

/** Changes the capacity mode; the shards stay as they are. */
export const updateStreamMode =
  (store: KinesisStore): Action =>
  input => {
    const mode = validateStreamMode(input.StreamModeDetails)
    const stream = activeStreamByArn(store, input)
    if (mode === 'PROVISIONED' && stream.recordDistribution === 'AUTO') {
      throw new AwsError(
        'InvalidArgumentException',
        `Stream ${stream.name} has the record distribution strategy AUTO, which the provisioned capacity mode does not support.`
      )
    }
    stream.mode = mode
    store.update(stream)
    return {}
  }
