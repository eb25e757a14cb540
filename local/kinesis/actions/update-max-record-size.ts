import type { Action } from '../../aws-json.ts'
import type { KinesisStore } from '../store.ts'
import { validateMaxRecordSize } from '../validations/stream.ts'
import { activeStreamByArn } from '../validations/stream-state.ts'

/** Changes the limit for new records; those that are stored stay, also larger ones. */
export const updateMaxRecordSize =
  (store: KinesisStore): Action =>
  input => {
    const maxRecordBytes = validateMaxRecordSize(input.MaxRecordSizeInKiB)
    const stream = activeStreamByArn(store, input)
    stream.maxRecordBytes = maxRecordBytes
    store.update(stream)
    return {}
  }
