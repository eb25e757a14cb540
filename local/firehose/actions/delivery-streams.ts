import type { Action } from '../../aws-json.ts'
import { constraintError } from '../../constraint-error.ts'
import type { FirehoseStore } from '../store.ts'
import { type DestinationRules, parseDestination } from '../validations/destination.ts'
import { parseEncryption } from '../validations/encryption.ts'
import { Shape } from '../validations/shape.ts'
import { parseSource } from '../validations/source.ts'
import { parseTags } from '../validations/tags.ts'
import { deliveryStreamType, describeStream } from './describe.ts'

export function createDeliveryStream(store: FirehoseStore, rules: DestinationRules): Action {
  return input => {
    const name = input.DeliveryStreamName
    if (typeof name !== 'string' || !/^[\w.-]{1,64}$/.test(name)) {
      throw constraintError(
        'deliveryStreamName',
        'Member must satisfy regular expression pattern: [a-zA-Z0-9_.-]+'
      )
    }
    const source = parseSource(input)
    const destination = parseDestination(input, rules)
    const given = input.DeliveryStreamEncryptionConfigurationInput
    const encryption =
      given === undefined ? undefined : parseEncryption(given, 'deliveryStreamEncryptionConfigurationInput')
    const tags = input.Tags === undefined ? new Map<string, string>() : parseTags(input.Tags, 'tags')
    return { DeliveryStreamARN: store.create(name, { destination, source, encryption, tags }).arn }
  }
}

export function describeDeliveryStream(store: FirehoseStore): Action {
  return input => {
    const stream = store.streamOf(input)
    const shape = new Shape(input, '')
    // There is one destination, whatever the limit.
    shape.number('Limit', 1, 10_000, 10_000)
    shape.text('ExclusiveStartDestinationId', { max: 100, pattern: /^[a-zA-Z0-9-]+$/ })
    return { DeliveryStreamDescription: describeStream(stream) }
  }
}

export function deleteDeliveryStream(store: FirehoseStore): Action {
  return input => {
    store.delete(store.streamOf(input))
    return {}
  }
}

export function listDeliveryStreams(store: FirehoseStore): Action {
  return input => {
    const limit = new Shape(input, '').number('Limit', 1, 10_000, 10)
    const type = input.DeliveryStreamType
    const after =
      typeof input.ExclusiveStartDeliveryStreamName === 'string' ? input.ExclusiveStartDeliveryStreamName : ''
    const names = store.all
      .filter(stream => type === undefined || type === deliveryStreamType(stream))
      .map(({ name }) => name)
      .sort()
      .filter(name => name > after)
    return { DeliveryStreamNames: names.slice(0, limit), HasMoreDeliveryStreams: names.length > limit }
  }
}
