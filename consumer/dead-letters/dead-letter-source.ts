import type { CallOptions } from '../../core/aws-ports.ts'
import type { DeadLetter } from '../../core/record-sink.ts'
import type { DeadLetterSummary } from './layout.ts'

export interface ReceiveOptions extends CallOptions {
  /** Most dead letters. Range 1 to 10. @default 10 */
  readonly max?: number
  /**
   * How long nobody else is handed what is received here, in milliseconds, where the store can see to that.
   * Range 0 to 43_200_000. @default 300_000
   */
  readonly holdMs?: number
}

/** A dead letter in the hands of one reader. It stays in the store until `remove`. */
export interface HeldDeadLetter {
  /** Names it in its store: the same as often as it is received. */
  readonly id: string
  /** What it says about itself; undefined for something that is no dead letter. */
  readonly summary: DeadLetterSummary | undefined
  /**
   * With its payload, wherever that lies.
   * @throws MalformedDeadLetterError, ServiceError
   */
  read(options?: CallOptions): Promise<DeadLetter>
  /** Takes it out of the store, its payload too, wherever that lies. @throws ServiceError */
  remove(options?: CallOptions): Promise<void>
  /** Lets others have it at once. @throws ServiceError */
  release(options?: CallOptions): Promise<void>
}

/** Port through which stored dead letters are read. */
export interface DeadLetterSource {
  /** In no order. An empty answer says that there is nothing more to be had at the moment. @throws ServiceError */
  receive(options?: ReceiveOptions): Promise<readonly HeldDeadLetter[]>
}
