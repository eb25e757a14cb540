import { type Action, type AwsJsonOptions, awsJson } from '../aws-json.ts'
import type { RequestListener } from '../http-server.ts'
import { decrypt, encrypt, generateDataKey, reEncrypt } from './actions/data-keys.ts'
import {
  cancelKeyDeletion,
  createAlias,
  createKey,
  describeKey,
  listAliases,
  rotateKeyOnDemand,
  scheduleKeyDeletion,
  setEnabled
} from './actions/keys.ts'
import { KmsStore, type KmsStoreOptions } from './store.ts'
import { contextNames } from './validations/encryption-context.ts'

export interface KmsEngineOptions extends KmsStoreOptions {
  readonly fault?: AwsJsonOptions['fault']
}

export interface KmsEngine {
  readonly listener: RequestListener
  readonly store: KmsStore
}

/** The symmetric part of KMS in memory, over AWS JSON 1.1, with real authenticated encryption. */
export function createKmsEngine(options: KmsEngineOptions): KmsEngine {
  const store = new KmsStore(options)
  const actions: Record<string, Action> = {
    CreateKey: createKey(store),
    DescribeKey: describeKey(store),
    CreateAlias: createAlias(store),
    ListAliases: listAliases(store),
    EnableKey: setEnabled(store, 'Enabled'),
    DisableKey: setEnabled(store, 'Disabled'),
    ScheduleKeyDeletion: scheduleKeyDeletion(store),
    CancelKeyDeletion: cancelKeyDeletion(store),
    RotateKeyOnDemand: rotateKeyOnDemand(store),
    GenerateDataKey: generateDataKey(store, true),
    GenerateDataKeyWithoutPlaintext: generateDataKey(store, false),
    Encrypt: encrypt(store),
    Decrypt: decrypt(store),
    ReEncrypt: reEncrypt(store)
  }
  return {
    store,
    listener: awsJson({
      targetPrefix: 'TrentService',
      contentType: 'application/x-amz-json-1.1',
      ...(options.fault === undefined ? {} : { fault: options.fault }),
      actions: Object.fromEntries(
        Object.entries(actions).map(([operation, action]) => [operation, logged(store, operation, action)])
      )
    })
  }
}

/** The log keeps names of context pairs, not their values. */
function logged(store: KmsStore, operation: string, action: Action): Action {
  return (input, context) => {
    const names = contextNames(input.EncryptionContext)
    try {
      const output = action(input, context) as { KeyId?: string }
      store.log({ operation, keyArn: output.KeyId, contextNames: names, error: undefined })
      return output
    } catch (error) {
      store.log({ operation, keyArn: undefined, contextNames: names, error: (error as Error).name })
      throw error
    }
  }
}
