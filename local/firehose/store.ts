import { AwsError } from '../aws-json.ts'
import { Delivery } from './delivery.ts'
import {
  createDestination,
  type DestinationServices,
  processingFailureWriter
} from './destinations/create-destination.ts'
import { Intake } from './intake.ts'
import { StreamMetrics } from './metrics.ts'
import type { FirehoseFunctions } from './processing/transform-function.ts'
import { KinesisSource } from './source/kinesis-source.ts'
import type { SourceStreams } from './source/source-streams.ts'
import type { GivenDestination } from './validations/destination.ts'
import type { Encryption } from './validations/encryption.ts'
import type { StreamSource } from './validations/source.ts'

export interface DeliveryStream {
  readonly name: string
  readonly arn: string
  readonly createdMs: number
  readonly intake: Intake
  /** undefined for direct puts. */
  readonly source: StreamSource | undefined
  /** Reads the source. */
  readonly reader: KinesisSource | undefined
  readonly metrics: StreamMetrics
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
  readonly source: StreamSource | undefined
  readonly encryption: Encryption | undefined
  readonly tags: ReadonlyMap<string, string>
}

export interface FirehoseStoreOptions extends DestinationServices {
  readonly region: string
  readonly accountId: string
  readonly functions: FirehoseFunctions
  /** Kinesis streams that can be read from. */
  readonly streams: SourceStreams
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

  create(name: string, { destination, source, encryption, tags }: NewDeliveryStream): DeliveryStream {
    const { accountId, region, clock } = this.#options
    if (this.#streams.has(name)) {
      throw new AwsError(
        'ResourceInUseException',
        `Firehose ${name} under accountId ${accountId} already exists`
      )
    }
    const { functions, streams } = this.#options
    const arn = `arn:aws:firehose:${region}:${accountId}:deliverystream/${name}`
    const delivery = new Delivery(createDestination(name, 1, destination.settings, this.#options), clock)
    const metrics: StreamMetrics = new StreamMetrics({
      settings: () => stream.destination.settings,
      wallTime: () => clock.wallTime(),
      oldestArrivedMs: () => intake.oldestArrivedMs,
      oldestCopyArrivedMs: () => delivery.oldestCopyArrivedMs
    })
    delivery.onAttempt = report => metrics.attempted(report)
    const intake = new Intake({
      delivery,
      clock,
      functions,
      deliveryStreamArn: arn,
      region,
      sourceArn: source?.streamArn,
      processing: destination.processing,
      writeFailed: processingFailureWriter(name, 1, destination.settings, this.#options),
      onInvoked: report => metrics.invoked(report)
    })
    const reader =
      source === undefined
        ? undefined
        : new KinesisSource({
            streams,
            streamArn: source.streamArn,
            clock,
            add: record => intake.add(record),
            bufferedBytes: () => intake.bufferedBytes,
            onRead: (shardId, read) => metrics.read(shardId, read)
          })
    const stream: DeliveryStream = {
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
      intake,
      source,
      reader,
      metrics
    }
    this.#streams.set(name, stream)
    reader?.start()
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

  /** Delivers what the stream holds, and its source; see `Delivery.flush`. */
  async flush({ intake, reader }: DeliveryStream): Promise<void> {
    for (;;) {
      const isCaughtUp = reader?.catchUp() ?? true
      await intake.flush()
      if (isCaughtUp || intake.bufferedBytes > 0) return
    }
  }

  /** Ends the timers of the stream; what is buffered is dropped. Resolves when nothing is under way. */
  async stop({ intake, reader }: DeliveryStream): Promise<void> {
    reader?.stop()
    await intake.discard()
  }

  /** What is buffered is lost, as on AWS. */
  delete(stream: DeliveryStream): void {
    void this.stop(stream)
    this.#streams.delete(stream.name)
  }
}

/** A delivery stream that takes puts, and keeps them at rest. @throws {AwsError} InvalidArgumentException */
export function directPut(stream: DeliveryStream): DeliveryStream {
  if (stream.source === undefined) return stream
  throw new AwsError(
    'InvalidArgumentException',
    'This operation is not permitted on KinesisStreamAsSource delivery stream type.'
  )
}
