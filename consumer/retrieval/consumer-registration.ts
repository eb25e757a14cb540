import type { KinesisFanOutPort, KinesisReaderPort } from '../../core/aws-ports.ts'
import type { Clock } from '../../core/clock.ts'
import { ServiceError } from '../../core/service-errors.ts'
import { FanOutUnavailableError, WorkerStoppedError } from '../errors.ts'

export interface ConsumerRegistrationOptions {
  readonly kinesis: Pick<KinesisReaderPort, 'describeStreamSummary'> &
    Pick<KinesisFanOutPort, 'describeStreamConsumer' | 'registerStreamConsumer'>
  readonly streamName: string
  readonly consumerName: string
  /** Taken as it is: nothing is asked, so no right but SubscribeToShard is needed. */
  readonly consumerArn: string | undefined
  /** Whether a consumer that is missing is registered. */
  readonly register: boolean
  readonly clock: Clock
}

/** How often and in which distance the consumer is looked at until it is active; the KCL does it 10 times. */
const tries = 30
const betweenTriesMs = 1_000

/** Finds the consumer that the worker reads under, and registers it where it may. It is never deregistered. */
export class ConsumerRegistration {
  readonly #options: ConsumerRegistrationOptions
  readonly #stop = new AbortController()
  #arn: Promise<string> | undefined

  constructor(options: ConsumerRegistrationOptions) {
    this.#options = options
  }

  /**
   * ARN of the active consumer; all callers share one search. Rejects with `FanOutUnavailableError`, and with a
   * `ServiceError` for what may pass and for a stream that is gone; the next call searches again.
   */
  arn(): Promise<string> {
    const { consumerArn } = this.#options
    if (consumerArn !== undefined) return Promise.resolve(consumerArn)
    if (this.#arn === undefined) {
      const found = this.#find()
      this.#arn = found
      found.catch(() => {
        if (this.#arn === found) this.#arn = undefined
      })
    }
    return this.#arn
  }

  /** The consumer was not there any more: the next call searches again. */
  forget(): void {
    this.#arn = undefined
  }

  close(): void {
    this.#stop.abort(new WorkerStoppedError())
  }

  async #find(): Promise<string> {
    const { kinesis, streamName, consumerName, clock } = this.#options
    const { signal } = this.#stop
    const { StreamDescriptionSummary: summary } = await this.#call('DescribeStreamSummary', () =>
      kinesis.describeStreamSummary({ StreamName: streamName }, { signal })
    )
    const streamArn = summary!.StreamARN!
    let limit: ServiceError | undefined
    for (let attempt = 1; ; attempt += 1) {
      const consumer = await this.#describe(streamArn)
      if (consumer?.ConsumerStatus === 'ACTIVE') return consumer.ConsumerARN!
      limit = consumer === undefined ? await this.#register(streamArn) : undefined
      if (attempt === tries) break
      await clock.sleep(betweenTriesMs, signal)
    }
    if (limit !== undefined) {
      throw new FanOutUnavailableError(
        'limit',
        `consumer ${consumerName} cannot be registered: stream ${streamName} has as many consumers as it may have`,
        limit
      )
    }
    throw new FanOutUnavailableError(
      'not-active',
      `consumer ${consumerName} of stream ${streamName} did not become ACTIVE within ${tries} s`
    )
  }

  /** Undefined when there is none. */
  async #describe(streamArn: string): Promise<{ ConsumerStatus?: string; ConsumerARN?: string } | undefined> {
    const { kinesis, consumerName } = this.#options
    try {
      const { ConsumerDescription: description } = await this.#call('DescribeStreamConsumer', () =>
        kinesis.describeStreamConsumer(
          { StreamARN: streamArn, ConsumerName: consumerName },
          { signal: this.#stop.signal }
        )
      )
      return description as { ConsumerStatus?: string; ConsumerARN?: string }
    } catch (error) {
      if (error instanceof ServiceError && error.failure === 'notFound') return undefined
      throw error
    }
  }

  /** Returns the refusal when there are too many consumers, or too many in the making: that may pass. */
  async #register(streamArn: string): Promise<ServiceError | undefined> {
    const { kinesis, streamName, consumerName, register } = this.#options
    if (!register) {
      throw new FanOutUnavailableError(
        'not-registered',
        `stream ${streamName} has no consumer ${consumerName}: register it, or set retrieval.registerConsumer: true ` +
          'with the right kinesis:RegisterStreamConsumer'
      )
    }
    try {
      await this.#call('RegisterStreamConsumer', () =>
        kinesis.registerStreamConsumer(
          { StreamARN: streamArn, ConsumerName: consumerName },
          { signal: this.#stop.signal }
        )
      )
    } catch (error) {
      if (!(error instanceof ServiceError)) throw error
      if (error.serviceCode === 'LimitExceededException') return error
      // Another worker was faster: what it registered is found by the next look.
      if (error.serviceCode !== 'ResourceInUseException') throw error
    }
    return undefined
  }

  async #call<T>(operation: string, call: () => Promise<T>): Promise<T> {
    try {
      return await call()
    } catch (cause) {
      this.#stop.signal.throwIfAborted()
      const error = new ServiceError('kinesis', operation, cause)
      throw error.serviceCode === 'AccessDeniedException' ? deniedFanOut(error) : error
    }
  }
}

/** Credentials that expired may come back; a right that is missing is granted by somebody, if at all. */
export function deniedFanOut(error: ServiceError): FanOutUnavailableError {
  return new FanOutUnavailableError(
    'denied',
    `enhanced fan-out needs the right kinesis:${error.operation}, which was denied`,
    error
  )
}
