import { AwsError } from '../aws-json.ts'
import { Delivery } from './delivery.ts'
import { createDestination, type DestinationServices } from './destinations/create-destination.ts'
import type { GivenDestination } from './validations/destination.ts'

export interface DeliveryStream {
  readonly name: string
  readonly arn: string
  readonly createdMs: number
  readonly delivery: Delivery
  /** Wall time of the last update, milliseconds since 1970; undefined when there was none. */
  updatedMs: number | undefined
  /** From 1, one more with every update. */
  version: number
  destination: GivenDestination
}

export interface FirehoseStoreOptions extends DestinationServices {
  readonly region: string
  readonly accountId: string
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

  create(name: string, destination: GivenDestination): DeliveryStream {
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
      updatedMs: undefined,
      version: 1,
      destination,
      delivery: new Delivery(createDestination(name, 1, destination.settings, this.#options), clock)
    }
    this.#streams.set(name, stream)
    return stream
  }

  /** What is buffered goes where it was put for. */
  update(stream: DeliveryStream, destination: GivenDestination): void {
    stream.version += 1
    stream.updatedMs = this.#options.clock.wallTime()
    stream.destination = destination
    stream.delivery.changeDestination(
      createDestination(stream.name, stream.version, destination.settings, this.#options)
    )
  }

  /** What is buffered is lost, as on AWS. */
  delete(stream: DeliveryStream): void {
    void stream.delivery.discard()
    this.#streams.delete(stream.name)
  }
}
