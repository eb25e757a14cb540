import { TransformFailure } from './types.ts'

/** Why one record fails; what is behind it, where there is something. Never leaves the folder. */
export class TransformError extends Error {
  readonly reason: TransformFailure

  constructor(reason: TransformFailure, cause?: unknown) {
    super(reason, { cause })
    this.reason = reason
  }
}

/** What is delivered of a record; undefined for one that is dropped. */
export type Output =
  | {
      readonly data: Uint8Array
      readonly partitionKeys: Readonly<Record<string, string>> | undefined
    }
  | undefined

/**
 * Takes nothing for granted of what a user's function returned: a forgotten `return` must not look like a wish to drop
 * the record.
 * @throws TransformError
 */
export function checkResult(result: unknown, dynamicPartitioning: boolean): Output {
  if (result === 'Dropped') return undefined
  if (result instanceof Uint8Array) return { data: result, partitionKeys: undefined }
  if (
    typeof result === 'object' &&
    result !== null &&
    'data' in result &&
    result.data instanceof Uint8Array
  ) {
    const partitionKeys = 'partitionKeys' in result ? result.partitionKeys : undefined
    if (partitionKeys === undefined) return { data: result.data, partitionKeys }
    if (dynamicPartitioning && arePartitionKeys(partitionKeys)) return { data: result.data, partitionKeys }
  }
  throw new TransformError(TransformFailure.invalidResult)
}

/** Firehose takes a key that is missing or empty for an error of the record. */
function arePartitionKeys(value: unknown): value is Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const keys: unknown[] = Object.values(value)
  return keys.length > 0 && keys.every(key => typeof key === 'string' && key !== '')
}
