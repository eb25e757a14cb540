import { type Action, AwsError } from '../../aws-json.ts'
import type { FirehoseStore } from '../store.ts'
import { type DestinationRules, updateDestination } from '../validations/destination.ts'
import { destinationId } from './describe.ts'

/** The version has to be the current one, so that one update does not undo another. */
export function updateDestinationAction(store: FirehoseStore, rules: DestinationRules): Action {
  return input => {
    const stream = store.streamOf(input)
    const { CurrentDeliveryStreamVersionId: version, DestinationId: id } = input
    if (version !== String(stream.version)) {
      throw new AwsError(
        'ConcurrentModificationException',
        `Cannot update firehose: ${stream.name} since the current version id: ${stream.version} and specified version id: ${String(version)} do not match`
      )
    }
    if (id !== destinationId) {
      throw new AwsError('InvalidArgumentException', `Destination Id ${String(id)} not found`)
    }
    store.update(stream, updateDestination(stream.destination, input, rules))
    return {}
  }
}
