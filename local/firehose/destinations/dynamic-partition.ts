import { evaluatedPrefix, maxPrefixLength, partitionKeyNames } from '../object-key.ts'
import type { S3Settings } from '../settings.ts'
import type { Destination, RecordFault } from './destination.ts'

/** As long as a random string, of which each object has its own. */
const sameForAll = (): string => '-----------'

/** The partition of a record: its evaluated prefix, whatever its random strings will be. */
export function dynamicPartition(settings: S3Settings): NonNullable<Destination['partitionOf']> {
  const { prefix, timeZone } = settings
  const names = partitionKeyNames(prefix)
  return ({ arrivedMs, partitionKeys = {} }) => {
    if (names.some(name => (partitionKeys[name] ?? '') === '')) {
      return failed('Partition keys are missing, or empty, for expressions of the prefix.')
    }
    const partition = evaluatedPrefix({ prefix, timeZone, arrivedMs, partitionKeys }, sameForAll)
    return partition.length > maxPrefixLength
      ? failed(`The evaluated prefix is longer than ${maxPrefixLength} characters.`)
      : partition
  }
}

function failed(errorMessage: string): RecordFault {
  return { errorCode: 'DynamicPartitioning.MetadataExtractionFailed', errorMessage }
}
