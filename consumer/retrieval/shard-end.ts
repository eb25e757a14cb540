import type { ChildShard } from '@aws-sdk/client-kinesis'

export interface ShardEndOptions {
  /** The shard's children by the listing of shards; undefined while the shard is open. */
  readonly findChildren: () => Promise<readonly ChildShard[] | undefined>
  /** Called after every `unconfirmedEndsPerAlarm` answers in a row that claimed the end of an open shard. */
  readonly onUnconfirmedEnd: (times: number) => void
}

/** Guessed: one such answer may be an accident, five in a row need somebody to look. */
const unconfirmedEndsPerAlarm = 5

/** Decides whether an answer without a continuation is the end of the shard: taken for it too soon, records are lost. */
export class ShardEnd {
  readonly #options: ShardEndOptions
  #unconfirmed = 0

  constructor(options: ShardEndOptions) {
    this.#options = options
  }

  /**
   * What followed the shard; undefined when the answer is not to be believed. AWS names the children, and whose
   * children they are; some engines name none at the end of a shard, then the listing of shards decides.
   */
  async confirm(named: readonly ChildShard[] | undefined): Promise<readonly ChildShard[] | undefined> {
    if (isComplete(named)) return named
    const listed = await this.#options.findChildren()
    if (listed === undefined) {
      this.#unconfirmed += 1
      if (this.#unconfirmed % unconfirmedEndsPerAlarm === 0) {
        this.#options.onUnconfirmedEnd(this.#unconfirmed)
      }
    }
    return listed
  }

  /** The shard goes on. */
  goesOn(): void {
    this.#unconfirmed = 0
  }
}

function isComplete(children: readonly ChildShard[] | undefined): children is readonly ChildShard[] {
  return (
    children !== undefined &&
    children.length > 0 &&
    children.every(child => (child.ParentShards ?? []).length > 0)
  )
}
