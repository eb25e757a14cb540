import type { DeadLetter, DeadLetterSource, HeldDeadLetter, ReceiveOptions } from '../../consumer/index.ts'

/** A dead letter with good defaults. */
export function aDeadLetter(members: Partial<DeadLetter> = {}): DeadLetter {
  return {
    streamName: 's',
    shardId: 'shardId-000000000000',
    sequenceNumber: '49590338271490256608559692538361571095921575989136588898',
    subSequenceNumbers: undefined,
    partitionKey: 'key',
    data: Buffer.from('as received'),
    approximateArrivalTimestamp: new Date(1_700_000_000_123),
    errorCode: 'SEALSTREAM_AUTHENTICATION_FAILED',
    ...members
  }
}

interface Entry {
  readonly letter: DeadLetter | undefined
  isHeld: boolean
}

/** A store in memory that hides what it handed out until that is released. */
export class MemoryDeadLetters implements DeadLetterSource {
  readonly entries = new Map<string, Entry>()
  readonly received: ReceiveOptions[] = []
  /** Thrown by `remove` while it is set. */
  removeError: Error | undefined

  /** Undefined stands for something that is no dead letter. */
  constructor(letters: readonly (DeadLetter | undefined)[]) {
    for (const [index, letter] of letters.entries()) {
      this.entries.set(String(index), { letter, isHeld: false })
    }
  }

  /** Ids of what is there and can be had. */
  get visible(): string[] {
    return [...this.entries].filter(([, { isHeld }]) => !isHeld).map(([id]) => id)
  }

  async receive(options: ReceiveOptions = {}): Promise<readonly HeldDeadLetter[]> {
    this.received.push(options)
    return this.visible.slice(0, options.max).map(id => this.#hold(id))
  }

  #hold(id: string): HeldDeadLetter {
    const entry = this.entries.get(id)!
    entry.isHeld = true
    return {
      id,
      summary: entry.letter,
      read: async () => {
        if (entry.letter === undefined) throw new Error('no dead letter')
        return entry.letter
      },
      remove: async () => {
        if (this.removeError !== undefined) throw this.removeError
        this.entries.delete(id)
      },
      release: async () => {
        entry.isHeld = false
      }
    }
  }
}
