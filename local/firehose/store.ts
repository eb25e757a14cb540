import { AwsError } from '../aws-json.ts'
import { Delivery } from './delivery.ts'
import {
  createDestination,
  type DestinationServices,
  processingFailureWriter
} from './destinations/create-destination.ts'
import { Intake } from './intake.ts'
import type { FirehoseFunctions } from './processing/transform-function.ts'
import type { GivenDestination } from './validations/destination.ts'
import type { Encryption } from './validations/encryption.ts'

export interface DeliveryStream {
  readonly name: string
  readonly arn: string
  readonly createdMs: number
  readonly intake: Intake
  readonly delivery: Delivery
  /** Wall time of the last update, milliseconds since 1970; undefined when there was none. */
  updatedMs: number | undefined
  /** From 1, one more with every update. */
  version: number
  destination: GivenDestination
  /** undefined while data at rest is not encrypted. */
  encryption: Encryption | undefined
  /** Wall times of the starts and stops of encryption in the last 24 hours, milliseconds since 1970. */
  readonly encryptionChangesMs: number[]
  readonly tags: Map<string, string>
}

export interface NewDeliveryStream {
  readonly destination: GivenDestination
  readonly encryption: Encryption | undefined
  readonly tags: ReadonlyMap<string, string>
}

export interface FirehoseStoreOptions extends DestinationServices {
  readonly region: string
  readonly accountId: string
  readonly functions: FirehoseFunctions
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

  /** Milliseconds since 1970. */
  wallTime(): number {
    return this.#options.clock.wallTime()
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

  create(name: string, { destination, encryption, tags }: NewDeliveryStream): DeliveryStream {
    const { accountId, region, clock } = this.#options
    if (this.#streams.has(name)) {
      throw new AwsError(
        'ResourceInUseException',
        `Firehose ${name} under accountId ${accountId} already exists`
      )
    }
    const { functions } = this.#options
    const arn = `arn:aws:firehose:${region}:${accountId}:deliverystream/${name}`
    const delivery = new Delivery(createDestination(name, 1, destination.settings, this.#options), clock)
    const stream = {
      name,
      arn,
      createdMs: clock.wallTime(),
      updatedMs: undefined,
      version: 1,
      destination,
      encryption,
      encryptionChangesMs: [],
      tags: new Map(tags),
      delivery,
      intake: new Intake({
        delivery,
        clock,
        functions,
        deliveryStreamArn: arn,
        region,
        sourceArn: undefined,
        processing: destination.processing,
        writeFailed: processingFailureWriter(name, 1, destination.settings, this.#options)
      })
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
    stream.intake.changeProcessing(
      destination.processing,
      processingFailureWriter(stream.name, stream.version, destination.settings, this.#options)
    )
  }

  /** What is buffered is lost, as on AWS. */
  delete(stream: DeliveryStream): void {
    void stream.intake.discard()
    this.#streams.delete(stream.name)
  }
}
