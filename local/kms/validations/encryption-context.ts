import { AwsError } from '../../aws-json.ts'
import type { EncryptionContext } from '../grants.ts'

/** A member of the input as an encryption context; empty when it is missing. @throws AwsError SerializationException */
export function encryptionContextOf(context: unknown): EncryptionContext {
  if (context === undefined || context === null) return {}
  if (
    typeof context !== 'object' ||
    Array.isArray(context) ||
    Object.values(context).some(value => typeof value !== 'string')
  ) {
    throw new AwsError('SerializationException', 'EncryptionContext is not a map of strings')
  }
  return context as EncryptionContext
}

/** Canonical bytes of a context: the same whatever order the pairs come in. */
export function contextBytes(context: EncryptionContext): Buffer {
  const pairs = Object.entries(context).sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
  return Buffer.from(JSON.stringify(pairs))
}

const contextMembers = ['EncryptionContext', 'SourceEncryptionContext', 'DestinationEncryptionContext']

/** Names of all pairs of all contexts of a request, sorted, whatever their values are. */
export function contextNames(input: Readonly<Record<string, unknown>>): readonly string[] {
  const names = contextMembers.flatMap(member => {
    const context = input[member]
    return typeof context === 'object' && context !== null ? Object.keys(context) : []
  })
  return [...new Set(names)].sort()
}
