import type {
  DescribeStreamSummaryCommandOutput,
  ListShardsCommandInput,
  ListShardsCommandOutput,
  PutRecordsCommandInput,
  PutRecordsCommandOutput,
  PutRecordsRequestEntry
} from '@aws-sdk/client-kinesis'
import type { CallOptions } from '../../core/aws-ports.ts'
import { hashKeyOf } from '../../core/hash-key.ts'
import type { FakeClock } from '../helpers/fake-clock.ts'
import { FakeKinesis, type FakeStoredRecord, serviceError } from '../helpers/fake-kinesis.ts'
import type { Seeded } from '../helpers/seeded.ts'

/** How often the service does what, 0 to 1 for each call or entry. */
const calm = {
  throttledEntry: 0,
  failedEntry: 0,
  throttledRequest: 0,
  /** No answer, and nothing stored. */
  lostRequest: 0,
  /** No answer, and everything stored: before the caller gives up, or afterwards. */
  lostAnswer: 0,
  lateRequest: 0,
  shortAnswer: 0,
  fatalRequest: 0,
  slowAnswer: 0,
  failedListing: 0,
  deniedDescription: 0,
  /** Part of the hash keys that, as an entry's own, make the service refuse the request. */
  invalidEntry: 0
}
type Weather = Record<keyof typeof calm, number>

export interface LoggedRequest {
  readonly entries: readonly PutRecordsRequestEntry[]
  readonly startedMs: number
  endedMs: number | undefined
  /** Name of the error that was answered in place of results. */
  error: string | undefined
}

/** A stream whose service misbehaves as the seed says. It keeps every request and every moment. */
export class SimulatedStream extends FakeKinesis {
  readonly log: LoggedRequest[] = []
  /** What was stored after its caller had been told that there is no answer. */
  readonly late = new Set<FakeStoredRecord>()
  weather: Weather = { ...calm }
  /** Timers on the clock that are the stream's own. */
  ownTimers = 0
  readonly #clock: FakeClock
  readonly #random: Seeded

  constructor(shardCount: number, clock: FakeClock, random: Seeded) {
    super(shardCount)
    this.#clock = clock
    this.#random = random
  }

  changeWeather(isCalm: boolean): void {
    const random = this.#random
    const severity = random.pick([0.1, 0.3, 0.8])
    for (const fault of Object.keys(calm) as (keyof typeof calm)[]) {
      const isUsual = fault !== 'fatalRequest' || random.chance(0.2)
      this.weather[fault] = !isCalm && isUsual && random.chance(0.35) ? random.next() * severity : 0
    }
  }

  override async putRecords(
    input: PutRecordsCommandInput,
    options: CallOptions = {}
  ): Promise<PutRecordsCommandOutput> {
    const entries = input.Records ?? []
    const request: LoggedRequest = {
      entries,
      startedMs: this.#clock.now(),
      endedMs: undefined,
      error: undefined
    }
    this.log.push(request)
    try {
      return await this.#answer(entries, options)
    } catch (error) {
      request.error = (error as Error).name
      throw error
    } finally {
      request.endedMs = this.#clock.now()
    }
  }

  override async listShards(
    input: ListShardsCommandInput,
    options: CallOptions = {}
  ): Promise<ListShardsCommandOutput> {
    await this.#pass(options)
    if (this.#is('failedListing')) throw this.#listingError()
    const listed = await super.listShards(input, options)
    await this.#pass(options)
    return listed
  }

  override async describeStreamSummary(
    _input: unknown,
    options: CallOptions = {}
  ): Promise<DescribeStreamSummaryCommandOutput> {
    await this.#pass(options)
    if (this.#is('deniedDescription')) throw serviceError('AccessDeniedException', 400)
    return super.describeStreamSummary()
  }

  async #answer(
    entries: readonly PutRecordsRequestEntry[],
    options: CallOptions
  ): Promise<PutRecordsCommandOutput> {
    await this.#pass(options)
    if (this.#is('throttledRequest')) throw serviceError('ProvisionedThroughputExceededException', 400)
    if (this.#is('fatalRequest')) {
      throw serviceError(this.#random.pick(['ResourceNotFoundException', 'AccessDeniedException']), 400)
    }
    if (entries.some(entry => this.#isInvalid(entry))) throw serviceError('ValidationException', 400)
    if (this.#is('lostRequest')) throw this.#lost()
    if (this.#is('lateRequest')) {
      this.#later(() => {
        for (const entry of entries) {
          this.storeEntry(entry)
          this.late.add(this.stored.at(-1)!)
        }
      })
      throw this.#lost()
    }
    const Records = entries.map(entry => {
      if (this.#is('throttledEntry')) return { ErrorCode: 'ProvisionedThroughputExceededException' }
      if (!this.#is('failedEntry')) return this.storeEntry(entry)
      // It says nothing of whether the record was stored.
      if (this.#random.chance(0.3)) this.storeEntry(entry)
      return { ErrorCode: 'InternalFailure' }
    })
    await this.#pass(options)
    if (this.#is('lostAnswer')) throw this.#lost()
    if (this.#is('shortAnswer')) Records.shift()
    return { Records, $metadata: {} }
  }

  #is(fault: keyof Weather): boolean {
    return this.weather[fault] > 0 && this.#random.chance(this.weather[fault])
  }

  #isInvalid(entry: PutRecordsRequestEntry): boolean {
    if (this.weather.invalidEntry === 0) return false
    const hashKey = hashKeyOf({ partitionKey: entry.PartitionKey!, explicitHashKey: entry.ExplicitHashKey })
    return Number((hashKey * 2_654_435_761n) % 1_000n) < this.weather.invalidEntry * 1_000
  }

  async #pass({ signal }: CallOptions): Promise<void> {
    if (this.#is('slowAnswer'))
      await this.#clock.sleep(this.#random.integer(0, this.#random.pick([5, 50, 500, 3_000])), signal)
    signal?.throwIfAborted()
  }

  #later(task: () => void): void {
    this.ownTimers += 1
    this.#clock.schedule(
      () => {
        this.ownTimers -= 1
        task()
      },
      this.#random.integer(0, this.#random.pick([10, 1_000, 20_000]))
    )
  }

  #lost(): Error {
    return this.#random.pick([
      serviceError('TimeoutError'),
      serviceError('ServiceUnavailable', 503),
      Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })
    ])
  }

  #listingError(): Error {
    return this.#random.pick([
      serviceError('LimitExceededException', 400),
      serviceError('TimeoutError'),
      ...(this.#random.chance(0.1) ? [serviceError('ResourceNotFoundException', 400)] : [])
    ])
  }
}
