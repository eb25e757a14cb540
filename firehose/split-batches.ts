export interface BatchLimits {
  readonly maxBatchRecords: number
  readonly maxBatchBytes: number
}

/** Cuts entries into batches within the limits, in order; an entry over `maxBatchBytes` goes alone. */
export function* splitBatches<T extends { readonly data: Uint8Array }>(
  entries: readonly T[],
  { maxBatchRecords, maxBatchBytes }: BatchLimits
): Generator<readonly T[]> {
  let start = 0
  let bytes = 0
  for (const [index, { data }] of entries.entries()) {
    const isFull = index - start === maxBatchRecords || bytes + data.length > maxBatchBytes
    if (isFull && index > start) {
      yield entries.slice(start, index)
      start = index
      bytes = 0
    }
    bytes += data.length
  }
  if (start < entries.length) yield entries.slice(start)
}
