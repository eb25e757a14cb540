import type { StoredRecord } from './store.ts'

/** Records gone from the front that are carried along until it pays to move the rest. */
const slackRecords = 1_024

/** The records of one shard in the order of their sequence numbers: appended at one end, trimmed at the other. */
export class RecordLog {
  #records: StoredRecord[] = []
  #first = 0

  get length(): number {
    return this.#records.length - this.#first
  }

  get oldest(): StoredRecord | undefined {
    return this.#records[this.#first]
  }

  at(index: number): StoredRecord | undefined {
    return this.#records[this.#first + index]
  }

  append(record: StoredRecord): void {
    this.#records.push(record)
  }

  /** Forgets the `count` oldest; in amortized constant time for each. */
  trim(count: number): void {
    this.#first += count
    if (this.#first < slackRecords || this.#first < this.length) return
    this.#records = this.#records.slice(this.#first)
    this.#first = 0
  }

  slice(start: number, end: number): readonly StoredRecord[] {
    return this.#records.slice(this.#first + start, this.#first + end)
  }

  /** Index of the first record for which `isAtOrAfter` holds; it must hold for all that follow. */
  indexOf(isAtOrAfter: (record: StoredRecord) => boolean): number {
    let low = 0
    let high = this.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (isAtOrAfter(this.at(middle)!)) high = middle
      else low = middle + 1
    }
    return low
  }
}
