import type { Clock } from '../../core/clock.ts'
import { AwsError } from '../aws-json.ts'
import { Delivery } from './delivery.ts'
import type { Destination } from './destinations/destination.ts'
import { type ObjectWriter, S3Destination } from './destinations/s3.ts'
import type { DestinationSettings } from './settings.ts'

export interface DeliveryStream {
  readonly name: string
  readonly arn: string
  readonly createdMs: number
  readonly settings: DestinationSettings
  readonly delivery: Delivery
}

export interface FirehoseStoreOptions {
  readonly clock: Clock
  readonly region: string
  readonly accountId: string
  /** Where objects are written. */
  readonly objects: ObjectWriter
}

/** Delivery streams by name. */
export class FirehoseStore {
  readonly #options: FirehoseStoreOptions
  readonly #streams = new Map<string, DeliveryStream>()

  constructor(options: FirehoseStoreOptions) {
    this.#options = options
  }

  get all(): readonly DeliveryStream[] {
    return [...this.#streams.values()]
  }

  /** The delivery stream that the input names. */
  streamOf(input: Readonly<Record<string, unknown>>): DeliveryStream {
    const stream = this.#streams.get(String(input.DeliveryStreamName))
    if (stream === undefined) {
      throw new AwsError(
        'ResourceNotFoundException',
        `Firehose ${String(input.DeliveryStreamName)} under account ${this.#options.accountId} not found.`
      )
    }
    return stream
  }

  create(name: string, settings: DestinationSettings): DeliveryStream {
    const { accountId, region, clock } = this.#options
    if (this.#streams.has(name)) {
      throw new AwsError(
        'ResourceInUseException',
        `Firehose ${name} under accountId ${accountId} already exists`
      )
    }
    const stream = {
      name,
      arn: `arn:aws:firehose:${region}:${accountId}:deliverystream/${name}`,
      createdMs: clock.wallTime(),
      settings,
      delivery: new Delivery(this.#destination(name, '1', settings), clock)
    }
    this.#streams.set(name, stream)
    return stream
  }

  /** What is buffered is lost, as on AWS. */
  delete(stream: DeliveryStream): void {
    void stream.delivery.discard()
    this.#streams.delete(stream.name)
  }

  #destination(deliveryStreamName: string, version: string, settings: DestinationSettings): Destination {
    return new S3Destination({ deliveryStreamName, version, settings, objects: this.#options.objects })
  }
}
