import { KeyUnavailableError } from '../../core/errors.ts'
import { NoUsableDataKeyError } from '../errors.ts'
import type { DataKey, EncryptedDataKey } from '../materials.ts'
import type { KeyringOptions } from '../options.ts'
import { type GeneratedDataKey, type KeyRequest, Keyring } from './keyring.ts'

export interface MultiKeyringOptions extends KeyringOptions {
  /** Makes the data keys. */
  readonly generator: Keyring
  /** Each wraps every data key as well. Asked after the generator when a message is opened. */
  readonly children: readonly Keyring[]
}

/** Several keyrings as one: any of them opens what was sealed with all of them. */
export function multiKeyring(options: MultiKeyringOptions): Keyring {
  return new MultiKeyring(options)
}

class MultiKeyring extends Keyring {
  readonly #generator: Keyring
  readonly #children: readonly Keyring[]

  constructor(options: MultiKeyringOptions) {
    super(options)
    this.#generator = options.generator
    this.#children = options.children
  }

  async generateDataKey(request: KeyRequest): Promise<GeneratedDataKey> {
    const { dataKey, encryptedDataKeys } = await this.#generator.generateDataKey(request)
    try {
      const further = await Promise.all(this.#children.map(child => child.wrapDataKey(request, dataKey)))
      return { dataKey, encryptedDataKeys: [...encryptedDataKeys, ...further.flat()] }
    } catch (error) {
      dataKey.wipe()
      throw error
    }
  }

  async wrapDataKey(request: KeyRequest, dataKey: DataKey): Promise<readonly EncryptedDataKey[]> {
    const all = [this.#generator, ...this.#children]
    return (await Promise.all(all.map(keyring => keyring.wrapDataKey(request, dataKey)))).flat()
  }

  async unwrapDataKey(request: KeyRequest, encryptedDataKeys: readonly EncryptedDataKey[]): Promise<DataKey> {
    const failures: unknown[] = []
    for (const keyring of [this.#generator, ...this.#children]) {
      try {
        return await keyring.unwrapDataKey(request, encryptedDataKeys)
      } catch (error) {
        failures.push(error)
      }
    }
    const unavailable = failures.find(failure => failure instanceof KeyUnavailableError)
    if (unavailable !== undefined) throw unavailable
    throw new NoUsableDataKeyError('sealed message: no keyring can open it', { errors: failures })
  }
}
