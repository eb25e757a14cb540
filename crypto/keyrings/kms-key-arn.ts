/** ARN of a KMS key: `arn:<partition>:kms:<region>:<account>:key/<id>`. An alias ARN is none. */
export interface KmsKeyArn {
  readonly text: string
  readonly partition: string
  readonly region: string
  readonly accountId: string
  readonly keyId: string
}

const pattern = /^arn:([^:/]+):kms:([^:/]+):([^:/]+):key\/([A-Za-z0-9-]+)$/

/** Undefined for anything but the ARN of a key. */
export function parseKmsKeyArn(text: string): KmsKeyArn | undefined {
  const found = pattern.exec(text)
  if (found === null) return undefined
  const [, partition, region, accountId, keyId] = found as unknown as [string, string, string, string, string]
  return { text, partition, region, accountId, keyId }
}

/** Whether it is one of the replicas of a multi-Region key. An alias that is named `mrk-…` is none. */
export function isMultiRegion({ keyId }: KmsKeyArn): boolean {
  return keyId.startsWith('mrk-')
}

/** The replica of the same multi-Region key in another region. */
export function inRegion(arn: KmsKeyArn, region: string): KmsKeyArn {
  return { ...arn, region, text: `arn:${arn.partition}:kms:${region}:${arn.accountId}:key/${arn.keyId}` }
}

/** Whether both are replicas of one multi-Region key: they agree in everything but the region. */
export function areReplicas(a: KmsKeyArn, b: KmsKeyArn): boolean {
  return isMultiRegion(a) && isMultiRegion(b) && inRegion(a, b.region).text === b.text
}

/** Region of a key ARN or an alias ARN; undefined for ids and alias names, which belong to the client's. */
export function regionOf(keyId: string): string | undefined {
  return /^arn:[^:]+:kms:([^:]+):/.exec(keyId)?.[1]
}
