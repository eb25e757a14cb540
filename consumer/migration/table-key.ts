import type { TableDescription } from '@aws-sdk/client-dynamodb'
import type { LeaseTableKey } from './migration-options.ts'

/** ARN of the key in KMS that a table is encrypted under; undefined for DynamoDB's own. */
export function keyArnOf({ SSEDescription: encryption }: TableDescription): string | undefined {
  return encryption?.Status === 'DISABLED' ? undefined : encryption?.KMSMasterKeyArn
}

/** Whether a table has this key; undefined where only KMS could tell what an alias or the key of AWS stands for. */
export function hasKey(table: TableDescription, key: LeaseTableKey): boolean | undefined {
  const arn = keyArnOf(table)
  if (arn === undefined) return false
  if (key === 'aws' || /(^|:)alias\//.test(key.kmsKeyId)) return undefined
  return arn === key.kmsKeyId || arn.endsWith(`:key/${key.kmsKeyId}`)
}
