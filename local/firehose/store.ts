import { AwsError } from '../aws-json.ts'
import type { StateFolder } from '../state/index.ts'
import { Delivery } from './delivery.ts'
import {
  createDestination,
  type DestinationServices,
  processingFailureWriter
} from './destinations/create-destination.ts'
import type { Destination } from './destinations/destination.ts'
import { Intake } from './intake.ts'
import { FirehoseJournal, type SavedDestination, type SavedStream } from './journal.ts'
import { StreamMetrics } from './metrics.ts'
import type { FirehoseFunctions } from './processing/transform-function.ts'
import { restoreDestination } from './restore-destination.ts'
import { KinesisSource } from './source/kinesis-source.ts'
import type { SourceStreams } from './source/source-streams.ts'
import type { GivenDestination } from './validations/destination.ts'
import type { Encryption } from './validations/encryption.ts'
import type { StreamSource } from './validations/source.ts'

export interface DeliveryStream {
  readonly name: string
  readonly arn: string
  readonly createdMs: number
  /** undefined for direct puts. */
  readonly source: StreamSource | undefined
  /** Reads the source. */
  readonly reader: KinesisSource | undefined
  readonly intake: Intake
  readonly delivery: Delivery
  readonly metrics: StreamMetrics
  /** Wall time of the last update, milliseconds since 1970; undefined when there was none. */
  updatedMs: number | undefined
  /** From 1, one more with every update. */
  version: number
  destination: GivenDestination
  /** Destinations of earlier versions, for which something may be buffered still. */
  readonly past: Map<number, SavedDestination>
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
  /** Address of the search domain that an ARN stands for; undefined when there is none. @default none */
  readonly domainUrl?: (arn: string) => string | undefined
  /** Where everything is written to, and read from first. @default memory alone */
  readonly state?: StateFolder | undefined
}

type GivenStream = Omit<DeliveryStream, 'arn' | 'delivery' | 'intake' | 'reader' | 'metrics'>

/** Delivery streams by name, in memory, and in the state folder when there is one. */
export class FirehoseStore {
  readonly #options: FirehoseStoreOptions
  readonly #streams = new Map<string, DeliveryStream>()
  readonly #journal: FirehoseJournal | undefined

  /** @throws {StateError} when the state folder cannot be used */
  constructor(options: FirehoseStoreOptions) {
    this.#options = options
    if (options.state === undefined) return
    this.#journal = new FirehoseJournal(options.state)
    for (const saved of this.#journal.loaded) this.#restore(saved)
  }

  /** Delivers what was accepted before the last process ended; destinations have to be there. */
  start(): void {
    for (const { name, intake, reader } of this.all) {
      intake.start()
      const positions = this.#journal?.positionsOf(name)
      if (positions === undefined) reader?.start()
      else reader?.resume(positions)
    }
  }

  /** Writes what an operation has changed to the state folder, if there is one. */
  save(operation: string): void {
    this.#journal?.save(
      operation,
      this.all.map(({ destination, past, tags, ...stream }) => ({
        name: stream.name,
        createdMs: stream.createdMs,
        updatedMs: stream.updatedMs,
        version: stream.version,
        source: stream.source,
        encryption: stream.encryption,
        encryptionChangesMs: stream.encryptionChangesMs,
        destination: { family: destination.family, configuration: destination.configuration },
        past: [...past],
        tags: [...tags]
      }))
    )
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
    const { accountId, clock, streams } = this.#options
    // It would wait for its stream for ever.
    if (source !== undefined && !streams.isRunning) {
      throw new AwsError(
        'InvalidArgumentException',
        'kinesis does not run here, and a KinesisStreamAsSource reads from it: name it in the option services.'
      )
    }
    if (this.#streams.has(name)) {
      throw new AwsError(
        'ResourceInUseException',
        `Firehose ${name} under accountId ${accountId} already exists`
      )
    }
    const stream = this.#add({
      name,
      source,
      createdMs: clock.wallTime(),
      updatedMs: undefined,
      version: 1,
      destination,
      past: new Map(),
      encryption,
      encryptionChangesMs: [],
      tags: new Map(tags)
    })
    stream.reader?.start()
    return stream
  }

  /** What is buffered goes where it was put for. */
  update(stream: DeliveryStream, destination: GivenDestination): void {
    const { family, configuration } = stream.destination
    stream.past.set(stream.version, { family, configuration })
    stream.version += 1
    stream.updatedMs = this.#options.clock.wallTime()
    stream.destination = destination
    stream.delivery.changeDestination(this.#destinationOf(stream.name, stream.version, destination))
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
    this.#journal?.drop(stream.name)
    this.#streams.delete(stream.name)
  }

  #add(given: GivenStream): DeliveryStream {
    const { accountId, region, clock, functions, streams } = this.#options
    const { name, version, destination, source } = given
    const arn = `arn:aws:firehose:${region}:${accountId}:deliverystream/${name}`
    const watcher = this.#journal?.watcherOf(name, () => stream.version)
    const delivery = new Delivery(this.#destinationOf(name, version, destination), clock, watcher)
    const metrics = new StreamMetrics({
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
      writeFailed: processingFailureWriter(name, version, destination.settings, this.#options),
      watcher: watcher?.sources,
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
            onMoved: positions => this.#journal?.readTo(name, positions),
            onRead: (shardId, read) => metrics.read(shardId, read)
          })
    const stream: DeliveryStream = { ...given, arn, delivery, intake, reader, metrics }
    this.#streams.set(name, stream)
    return stream
  }

  #destinationOf(name: string, version: number, { settings }: GivenDestination): Destination {
    return createDestination(name, version, settings, this.#options)
  }

  #restore({ destination, past, tags, ...rest }: SavedStream): void {
    const restored = (saved: SavedDestination): GivenDestination =>
      restoreDestination(saved, this.#options.domainUrl ?? (() => undefined))
    const all = this.#journal!.waitingOf(rest.name)
    const waiting = all.filter(({ isSource }) => !isSource)
    const versions = new Set(waiting.map(({ version }) => version))
    const stream = this.#add({
      ...rest,
      updatedMs: rest.updatedMs,
      source: rest.source,
      encryption: rest.encryption,
      destination: restored(destination),
      past: new Map(past.filter(([version]) => versions.has(version))),
      tags: new Map(tags)
    })
    stream.intake.refill(all.filter(({ isSource }) => isSource).map(({ record }) => record))
    for (const version of [...versions].sort((a, b) => a - b)) {
      const saved = stream.past.get(version)
      const target = this.#destinationOf(
        rest.name,
        version,
        saved === undefined ? stream.destination : restored(saved)
      )
      const ofVersion = waiting.filter(record => record.version === version)
      const recordsOf = (isCopy: boolean) =>
        ofVersion.filter(record => record.isCopy === isCopy).map(({ record }) => record)
      stream.delivery.refill(target, recordsOf(false))
      const copies = recordsOf(true)
      if (target.backup?.all !== undefined && copies.length > 0) {
        stream.delivery.refillCopies(target.backup.all, copies)
      }
    }
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
