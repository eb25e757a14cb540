import type { TransformedRecord } from './firehose-event.ts'

/**
 * Bytes of a response that Lambda hands back from an invocation that was waited for: 6 MB, taken as 6 MiB
 * (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
 */
export const maxResponseBytes = 6_291_456

/** `{"records":[]}`. */
const envelopeBytes = 14

/**
 * Keeps a response within its size. Every record holds its place as a failed one from the start, so there is room to
 * name each, whatever the others become.
 */
export class ResponseBudget {
  #left: number

  /** `recordIds` of the event. */
  constructor(recordIds: readonly string[], maxBytes = maxResponseBytes) {
    this.#left = maxBytes - envelopeBytes
    for (const recordId of recordIds) this.#left -= failedBytes(recordId)
  }

  /** The outcome of a record that has one to deliver; undefined, and nothing is taken, when it does not fit. */
  take(
    recordId: string,
    data: Uint8Array,
    partitionKeys: Readonly<Record<string, string>> | undefined
  ): TransformedRecord | undefined {
    const outcome = {
      recordId,
      result: 'Ok',
      data: '',
      ...(partitionKeys === undefined ? {} : { metadata: { partitionKeys } })
    } as const
    // Base64 holds nothing that JSON escapes.
    const bytes = jsonBytes(outcome) + Math.ceil(data.length / 3) * 4 - failedBytes(recordId)
    if (bytes > this.#left) return undefined
    this.#left -= bytes
    const base64 = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('base64')
    return { ...outcome, data: base64 }
  }
}

export function failed(recordId: string): TransformedRecord {
  return { recordId, result: 'ProcessingFailed' }
}

function failedBytes(recordId: string): number {
  return jsonBytes(failed(recordId))
}

/** With the comma behind it. */
function jsonBytes(outcome: TransformedRecord): number {
  return Buffer.byteLength(JSON.stringify(outcome)) + 1
}
