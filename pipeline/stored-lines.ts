import { RecordReader } from '../core/record-reader.ts'
import type { RecordOpener } from '../core/record-transform.ts'

/** What a line of base64 holds. */
export interface OpenedLine {
  /** Payloads of the user records, in their order. */
  readonly records: readonly Uint8Array[]
  /** User records, or the whole line, that could not be opened: the code of each fault. */
  readonly faults: readonly string[]
}

export interface LineOpenerOptions {
  readonly streamName: string
  /** Undefined for a stream that is not sealed. */
  readonly opener: RecordOpener | undefined
  readonly acceptPlaintext: boolean
}

/** Opens Kinesis records that a sink with `deliver: 'ciphertext'` stored, one a line. */
export class LineOpener {
  readonly #reader: RecordReader

  constructor(options: LineOpenerOptions) {
    // Whatever shard a record lay in: a line does not say.
    this.#reader = new RecordReader({ ...options, shardId: '', hashKeyRange: undefined })
  }

  /** Rejects with `KeyUnavailableError` when the key cannot be had at the moment. */
  async open(line: Buffer): Promise<OpenedLine> {
    const data = decodeBase64(line)
    if (data === undefined) return { records: [], faults: ['not base64'] }
    const { userRecords, faults } = await this.#reader.read({
      Data: data,
      SequenceNumber: '0',
      PartitionKey: undefined
    })
    return {
      records: userRecords.map(record => record.data),
      faults: faults.map(({ error }) => error.code)
    }
  }
}

/** Undefined for anything else than base64 with its padding, of which Node would skip what it does not know. */
function decodeBase64(line: Buffer): Buffer | undefined {
  const text = line.toString('latin1')
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
    ? Buffer.from(text, 'base64')
    : undefined
}
