import { AwsError } from '../../aws-json.ts'
import type { Input } from '../dynalite.ts'
import type { DynamodbStore } from '../store.ts'

/**
 * ARN of the key that an `SSESpecification` asks for; undefined for DynamoDB's own key.
 * @throws AwsError ValidationException when it contradicts itself, or KMS does not have the key
 */
export async function encryptionKeyOf(
  store: DynamodbStore,
  specification: unknown,
  principal: string | undefined
): Promise<string | undefined> {
  const { Enabled: isEnabled, SSEType: type, KMSMasterKeyId: keyId } = (specification ?? {}) as Input
  if (type !== undefined && type !== 'KMS') {
    throw invalid(`SSEType ${String(type)} is not supported`)
  }
  if (isEnabled !== true) {
    if (keyId === undefined) return undefined
    throw invalid('KMSMasterKeyId can only be specified when SSE is enabled')
  }
  if (keyId === undefined || keyId === 'alias/aws/dynamodb') return store.managedKeyArn
  try {
    return (await store.options.keyArnOf?.(String(keyId), principal)) ?? String(keyId)
  } catch (error) {
    if (!(error instanceof AwsError)) throw error
    throw new AwsError('ValidationException', `KMS validation error: ${error.message}`)
  }
}

function invalid(what: string): AwsError {
  return new AwsError('ValidationException', `One or more parameter values were invalid: ${what}`)
}
