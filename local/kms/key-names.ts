import type { KmsKey } from './key.ts'
import type { KmsStore } from './store.ts'

/**
 * Every name of the keys that a request is about, also of one that is named by a ciphertext alone: ids, ARNs and
 * aliases. Empty where it names none that is there.
 */
export function keyNames(store: KmsStore, input: Readonly<Record<string, unknown>>): readonly string[] {
  const named = [input.KeyId, input.SourceKeyId, input.DestinationKeyId].filter(id => typeof id === 'string')
  const keys = [...named.map(id => find(store, id)), ofCiphertext(store, input.CiphertextBlob)]
  return keys.flatMap(key => (key === undefined ? [] : namesOf(store, key)))
}

function namesOf(store: KmsStore, key: KmsKey): readonly string[] {
  const aliases = store.aliasesOf(key.region).filter(alias => alias.key === key)
  return [key.id, key.arn, ...aliases.flatMap(({ name }) => [name, store.arn(key.region, name)])]
}

function find(store: KmsStore, keyId: string): KmsKey | undefined {
  const region = /^arn:aws:kms:([^:]*):/.exec(keyId)?.[1] ?? store.options.region
  try {
    return store.find(keyId, region)
  } catch {
    // The service itself tells the caller.
    return undefined
  }
}

function ofCiphertext(store: KmsStore, blob: unknown): KmsKey | undefined {
  if (typeof blob !== 'string') return undefined
  try {
    const { keyId } = store.sealer.nameOf(Buffer.from(blob, 'base64'))
    return store.keyOf(keyId, store.options.region)
  } catch {
    return undefined
  }
}
