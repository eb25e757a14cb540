import { type Action, AwsError } from '../../aws-json.ts'
import { type DeliveryStream, directPut, type FirehoseStore } from '../store.ts'
import { parseEncryption } from '../validations/encryption.ts'

/** Of starts and stops together, in 24 hours. */
const maxChanges = 25
const dayMs = 86_400_000

/** A state that is told: nothing is asked of KMS, and what is buffered stays as it came. */
export function startDeliveryStreamEncryption(store: FirehoseStore): Action {
  return input => {
    const stream = directPut(store.streamOf(input))
    const encryption = parseEncryption(
      input.DeliveryStreamEncryptionConfigurationInput,
      'deliveryStreamEncryptionConfigurationInput'
    )
    countChange(stream, store.wallTime())
    stream.encryption = encryption
    return {}
  }
}

export function stopDeliveryStreamEncryption(store: FirehoseStore): Action {
  return input => {
    const stream = directPut(store.streamOf(input))
    countChange(stream, store.wallTime())
    stream.encryption = undefined
    return {}
  }
}

function countChange({ encryptionChangesMs }: DeliveryStream, now: number): void {
  while (encryptionChangesMs.length > 0 && now - encryptionChangesMs[0]! >= dayMs) encryptionChangesMs.shift()
  if (encryptionChangesMs.length >= maxChanges) {
    throw new AwsError(
      'LimitExceededException',
      `Encryption of a delivery stream is started and stopped at most ${maxChanges} times in 24 hours.`
    )
  }
  encryptionChangesMs.push(now)
}
