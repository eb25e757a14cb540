import type { Action } from '../../aws-json.ts'
import type { KinesisStore } from '../store.ts'
import { validateEncryption } from '../validations/encryption.ts'
import { activeStream } from '../validations/stream-state.ts'

/** Records that come from now on carry the type KMS; nothing is encrypted, and no key is asked for. */
export const startStreamEncryption =
  (store: KinesisStore): Action =>
  input => {
    const keyId = validateEncryption(input)
    const stream = activeStream(store, input)
    stream.keyId = keyId
    store.update(stream)
    return {}
  }

/** Records that are stored keep their type. */
export const stopStreamEncryption =
  (store: KinesisStore): Action =>
  input => {
    validateEncryption(input)
    const stream = activeStream(store, input)
    stream.keyId = undefined
    store.update(stream)
    return {}
  }
