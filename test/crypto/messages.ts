import { KeyUnavailableError, RecordFaultError } from '../../core/errors.ts'
import type { RecordOpener, RecordSealer } from '../../core/record-transform.ts'
import { type Keyring, rawAesKeyring } from '../../crypto/index.ts'

export const wrappingKey = Buffer.alloc(32, 7)

export function aKeyring(overrides: Partial<Parameters<typeof rawAesKeyring>[0]> = {}): Keyring {
  return rawAesKeyring({ namespace: 'test', name: 'key-1', key: wrappingKey, ...overrides })
}

export function aSealer(keyring: Keyring = aKeyring(), streamName = 'orders'): RecordSealer {
  return keyring.createSealer({ streamName, context: { pipeline: 'shop' } })
}

export function anOpener(keyring: Keyring = aKeyring(), streamName = 'orders'): RecordOpener {
  return keyring.createOpener({ streamName, context: { pipeline: 'shop' } })
}

/** `record` when the call fails by the record's fault, `key` by the key's, `opened` when it does not fail. */
export async function faultOf(open: () => unknown): Promise<'record' | 'key' | 'opened' | unknown> {
  try {
    await open()
    return 'opened'
  } catch (error) {
    if (error instanceof RecordFaultError) return 'record'
    if (error instanceof KeyUnavailableError) return 'key'
    return error
  }
}
