import type { LocalAuthorize } from '../authorization.ts'
import { type Action, AwsError, type AwsJsonOptions, awsJson } from '../aws-json.ts'
import type { RequestListener } from '../http-server.ts'
import { createAlias, deleteAlias, listAliases, updateAlias } from './actions/aliases.ts'
import { decrypt, encrypt, generateDataKey, generateRandom, reEncrypt } from './actions/data-keys.ts'
import { createGrant, listGrants, listRetirableGrants, retireGrant, revokeGrant } from './actions/grants.ts'
import {
  cancelKeyDeletion,
  createKey,
  describeKey,
  disableKey,
  enableKey,
  listKeys,
  scheduleKeyDeletion,
  updateKeyDescription
} from './actions/keys.ts'
import { getKeyPolicy, listKeyPolicies, putKeyPolicy } from './actions/policies.ts'
import { replicateKey, updatePrimaryRegion } from './actions/replicas.ts'
import {
  disableKeyRotation,
  enableKeyRotation,
  getKeyRotationStatus,
  listKeyRotations,
  rotateKeyOnDemand
} from './actions/rotation.ts'
import { listResourceTags, tagResource, untagResource } from './actions/tags.ts'
import { RequestQuota } from './quota.ts'
import { type KmsAction, type KmsCaller, KmsRequest } from './request.ts'
import { KmsStore, type KmsStoreOptions } from './store.ts'
import { contextNames } from './validations/encryption-context.ts'
import { kmsTypes } from './wire-types.ts'

export interface KmsEngineOptions extends KmsStoreOptions {
  readonly fault?: AwsJsonOptions['fault']
  /** Decides who may do what. @default everybody may do everything */
  readonly authorize?: LocalAuthorize | undefined
  /** Cryptographic requests that are taken per second, with a second's worth in store. @default no bound */
  readonly requestsPerSecond?: number | undefined
}

export interface KmsEngine {
  readonly listener: RequestListener
  readonly store: KmsStore
  /**
   * One request out of this process, as from another engine on behalf of its caller: members in and out as in JSON,
   * with blobs in base64. Authorized, counted and logged like any other; scripted faults do not touch it.
   * @throws AwsError what the API would answer
   */
  call(
    operation: string,
    input: Readonly<Record<string, unknown>>,
    caller?: Partial<KmsCaller>
  ): Promise<object>
  /** ARN of the enabled key that an id, an ARN or an alias names, asked for as by `call`. @throws AwsError */
  keyArnOf(keyId: string, caller?: Partial<KmsCaller>): Promise<string>
}

const actions: Readonly<Record<string, KmsAction>> = {
  CreateKey: createKey,
  DescribeKey: describeKey,
  ListKeys: listKeys,
  UpdateKeyDescription: updateKeyDescription,
  EnableKey: enableKey,
  DisableKey: disableKey,
  ScheduleKeyDeletion: scheduleKeyDeletion,
  CancelKeyDeletion: cancelKeyDeletion,
  CreateAlias: createAlias,
  UpdateAlias: updateAlias,
  DeleteAlias: deleteAlias,
  ListAliases: listAliases,
  EnableKeyRotation: enableKeyRotation,
  DisableKeyRotation: disableKeyRotation,
  GetKeyRotationStatus: getKeyRotationStatus,
  RotateKeyOnDemand: rotateKeyOnDemand,
  ListKeyRotations: listKeyRotations,
  ReplicateKey: replicateKey,
  UpdatePrimaryRegion: updatePrimaryRegion,
  CreateGrant: createGrant,
  ListGrants: listGrants,
  ListRetirableGrants: listRetirableGrants,
  RetireGrant: retireGrant,
  RevokeGrant: revokeGrant,
  PutKeyPolicy: putKeyPolicy,
  GetKeyPolicy: getKeyPolicy,
  ListKeyPolicies: listKeyPolicies,
  TagResource: tagResource,
  UntagResource: untagResource,
  ListResourceTags: listResourceTags,
  GenerateDataKey: generateDataKey(true),
  GenerateDataKeyWithoutPlaintext: generateDataKey(false),
  GenerateRandom: generateRandom,
  Encrypt: encrypt,
  Decrypt: decrypt,
  ReEncrypt: reEncrypt
}

/** KMS with symmetric keys in memory, and in a state folder if there is one, over AWS JSON 1.1, with real authenticated encryption. */
export function createKmsEngine(options: KmsEngineOptions): KmsEngine {
  const store = new KmsStore(options)
  const { authorize, requestsPerSecond, clock } = options
  const quota = requestsPerSecond === undefined ? undefined : new RequestQuota(requestsPerSecond, clock)

  const run = async (
    operation: string,
    action: KmsAction,
    input: Readonly<Record<string, unknown>>,
    caller: KmsCaller
  ): Promise<object> => {
    const request = new KmsRequest({ store, authorize, operation, input, caller })
    let error: string | undefined
    try {
      quota?.take(operation)
      return await action(request)
    } catch (thrown) {
      error = (thrown as Error).name
      throw thrown
    } finally {
      const { region, principal, viaService } = caller
      const names = contextNames(input)
      const atMs = clock.wallTime()
      const { keyArns } = request
      store.log({ atMs, operation, principal, region, keyArns, contextNames: names, viaService, error })
      store.save(operation)
    }
  }

  const overHttp =
    (operation: string, action: KmsAction): Action =>
    (input, { region = options.region, accessKeyId: principal }) =>
      run(operation, action, input, { region, principal, viaService: undefined })

  const call: KmsEngine['call'] = async (operation, input, caller = {}) => {
    const action = Object.hasOwn(actions, operation) ? actions[operation] : undefined
    if (action === undefined) throw new TypeError(`kms: there is no operation ${operation}`)
    const { region = options.region, principal, viaService } = caller
    return run(operation, action, input, { region, principal, viaService })
  }

  return {
    store,
    call,
    async keyArnOf(keyId, caller) {
      const { KeyMetadata: key } = (await call('DescribeKey', { KeyId: keyId }, caller)) as {
        KeyMetadata: { Arn: string; KeyState: string }
      }
      if (key.KeyState === 'Enabled') return key.Arn
      throw new AwsError('KMSInvalidStateException', `${key.Arn} is ${key.KeyState}.`)
    },
    listener: awsJson({
      targetPrefix: 'TrentService',
      contentType: 'application/x-amz-json-1.1',
      types: kmsTypes,
      fault: options.fault,
      actions: Object.fromEntries(
        Object.entries(actions).map(([operation, action]) => [operation, overHttp(operation, action)])
      )
    })
  }
}
