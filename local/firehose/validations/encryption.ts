import { invalid, Shape } from './shape.ts'

/** Key that data at rest is encrypted with. */
export interface Encryption {
  readonly keyType: 'AWS_OWNED_CMK' | 'CUSTOMER_MANAGED_CMK'
  /** Of a key of the customer; undefined for one of AWS. */
  readonly keyArn: string | undefined
}

/** Without one it is a key of AWS. */
export function parseEncryption(given: unknown, path: string): Encryption {
  const shape = new Shape(given ?? { KeyType: 'AWS_OWNED_CMK' }, path)
  const keyType = shape.oneOf('KeyType', ['AWS_OWNED_CMK', 'CUSTOMER_MANAGED_CMK'])
  const keyArn = shape.text('KeyARN', { max: 512, pattern: /^arn:[^:]+:kms:[a-zA-Z0-9-]+:\d{12}:key\/.+/ })
  if (keyType === 'CUSTOMER_MANAGED_CMK' && keyArn === '') {
    throw invalid('KeyARN is required for CUSTOMER_MANAGED_CMK.')
  }
  if (keyType === 'AWS_OWNED_CMK' && keyArn !== '') {
    throw invalid('KeyARN must not be specified for AWS_OWNED_CMK.')
  }
  return { keyType, keyArn: keyArn || undefined }
}
