import { AwsError } from '../../aws-json.ts'

/** Canonical bytes of a context: the same whatever order the pairs come in. */
export function contextBytes(context: unknown): Buffer {
  if (context === undefined || context === null) return Buffer.from('{}')
  if (typeof context !== 'object' || Object.values(context).some(value => typeof value !== 'string')) {
    throw new AwsError('SerializationException', 'EncryptionContext is not a map of strings')
  }
  const pairs = Object.entries(context).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return Buffer.from(JSON.stringify(pairs))
}

export function contextNames(context: unknown): readonly string[] {
  return typeof context === 'object' && context !== null ? Object.keys(context).sort() : []
}
