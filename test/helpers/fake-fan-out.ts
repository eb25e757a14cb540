import type {
  DescribeStreamConsumerCommandInput,
  DescribeStreamConsumerCommandOutput,
  DescribeStreamSummaryCommandOutput,
  RegisterStreamConsumerCommandInput,
  RegisterStreamConsumerCommandOutput,
  SubscribeToShardCommandInput,
  SubscribeToShardEvent
} from '@aws-sdk/client-kinesis'
import type { CallOptions, KinesisFanOutPort } from '../../core/aws-ports.ts'
import { type Deferred, deferred } from '../../core/concurrency.ts'
import { serviceError } from './fake-kinesis.ts'

/** A subscription whose events the test pushes. */
export class FakeSubscription implements AsyncIterableIterator<SubscribeToShardEvent> {
  readonly input: SubscribeToShardCommandInput
  readonly signal: AbortSignal | undefined
  /** Events that the reader has asked for. */
  asked = 0
  readonly #steps: (() => IteratorResult<SubscribeToShardEvent>)[] = []
  #waiting: Deferred<void> | undefined

  constructor(input: SubscribeToShardCommandInput, signal: AbortSignal | undefined) {
    this.input = input
    this.signal = signal
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  async next(): Promise<IteratorResult<SubscribeToShardEvent>> {
    this.asked += 1
    while (this.#steps.length === 0) {
      this.#waiting = deferred()
      await this.#waiting.promise
    }
    return this.#steps.shift()!()
  }

  /** Records `number: text`; the continuation number is that of the last one unless told otherwise. */
  push(records: Readonly<Record<string, string>>, event: Partial<SubscribeToShardEvent> = {}): void {
    const Records = Object.entries(records).map(([SequenceNumber, text]) => ({
      SequenceNumber,
      PartitionKey: 'k',
      Data: Buffer.from(text)
    }))
    this.#step(() => ({
      done: false,
      value: {
        Records,
        ContinuationSequenceNumber: Records.at(-1)?.SequenceNumber,
        MillisBehindLatest: 0,
        ...event
      }
    }))
  }

  end(): void {
    this.#step(() => ({ done: true, value: undefined }))
  }

  fail(error: Error): void {
    this.#step(() => {
      throw error
    })
  }

  #step(step: () => IteratorResult<SubscribeToShardEvent>): void {
    this.#steps.push(step)
    this.#waiting?.resolve()
  }
}

/** The calls of enhanced fan-out, scripted. */
export class FakeFanOut implements KinesisFanOutPort {
  readonly subscriptions: FakeSubscription[] = []
  readonly calls: string[] = []
  /** Status of each consumer by its name. */
  readonly consumers = new Map<string, string>()
  /** Whether a consumer that is registered becomes active at once. */
  activatesAtOnce = true
  fail: ((operation: string, call: number) => Error | undefined) | undefined
  /** Awaited before a subscription is answered. */
  gate: (() => Promise<void>) | undefined

  get last(): FakeSubscription {
    return this.subscriptions.at(-1)!
  }

  async describeStreamSummary(): Promise<DescribeStreamSummaryCommandOutput> {
    this.#called('DescribeStreamSummary')
    return {
      StreamDescriptionSummary: { StreamARN: 'arn:stream' } as never,
      $metadata: {}
    }
  }

  async describeStreamConsumer(
    input: DescribeStreamConsumerCommandInput
  ): Promise<DescribeStreamConsumerCommandOutput> {
    this.#called('DescribeStreamConsumer')
    const status = this.consumers.get(input.ConsumerName!)
    if (status === undefined) throw serviceError('ResourceNotFoundException', 400)
    return { ConsumerDescription: this.#describe(input.ConsumerName!, status), $metadata: {} }
  }

  async registerStreamConsumer(
    input: RegisterStreamConsumerCommandInput
  ): Promise<RegisterStreamConsumerCommandOutput> {
    this.#called('RegisterStreamConsumer')
    const name = input.ConsumerName!
    if (this.consumers.has(name)) throw serviceError('ResourceInUseException', 400)
    this.consumers.set(name, this.activatesAtOnce ? 'ACTIVE' : 'CREATING')
    return { Consumer: this.#describe(name, 'CREATING'), $metadata: {} }
  }

  async subscribeToShard(
    input: SubscribeToShardCommandInput,
    { signal }: CallOptions = {}
  ): Promise<AsyncIterable<SubscribeToShardEvent>> {
    this.#called('SubscribeToShard')
    await this.gate?.()
    const subscription = new FakeSubscription(input, signal)
    this.subscriptions.push(subscription)
    return subscription
  }

  #called(operation: string): void {
    this.calls.push(operation)
    const failure = this.fail?.(operation, this.calls.filter(call => call === operation).length)
    if (failure !== undefined) throw failure
  }

  #describe(ConsumerName: string, ConsumerStatus: string): never {
    return {
      ConsumerName,
      ConsumerARN: `arn:stream/consumer/${ConsumerName}:1`,
      ConsumerStatus,
      StreamARN: 'arn:stream'
    } as never
  }
}
