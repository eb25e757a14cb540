import type { PolicyStatement } from './validations/policy.ts'

/**
 * Condition keys that keep a statement from being public when they are compared with fixed values
 * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html).
 */
const restrictingKeys: readonly string[] = [
  'aws:principalorgid',
  'aws:principalorgpaths',
  'aws:sourceaccount',
  'aws:sourcearn',
  'aws:sourceip',
  'aws:sourceowner',
  'aws:sourcevpc',
  'aws:sourcevpce',
  'aws:userid',
  's3:dataaccesspointaccount',
  's3:dataaccesspointarn',
  's3:x-amz-server-side-encryption-aws-kms-key-id'
]

/** Whether S3 takes a policy for public: it allows everybody something, under no condition that is narrow. */
export function isPublicPolicy(statements: readonly PolicyStatement[]): boolean {
  return statements.some(
    statement => statement.Effect === 'Allow' && isEverybody(statement.Principal) && !isRestricted(statement)
  )
}

/** Without a principal it names those that it is not about. */
function isEverybody(principal: unknown): boolean {
  if (principal === undefined || principal === '*') return true
  if (typeof principal !== 'object' || principal === null || !('AWS' in principal)) return false
  return [principal.AWS].flat().includes('*')
}

function isRestricted({ Condition: condition = {} }: PolicyStatement): boolean {
  return Object.entries(condition).some(
    ([operator, keys]) =>
      /^(?:For(?:All|Any)Values?:)?(?:StringEquals|StringLike|ArnEquals|ArnLike|IpAddress)/.test(operator) &&
      !operator.endsWith('IfExists') &&
      Object.entries(keys).some(
        ([key, values]) => restrictingKeys.includes(key.toLowerCase()) && [values].flat().every(isFixed)
      )
  )
}

/** Nothing that a wildcard, a variable or a network wider than /8 (IPv6: /32) leaves open. */
function isFixed(value: unknown): boolean {
  const text = String(value)
  const [, address, bits] = /^([\d.]+|[\da-f:]*:[\da-f:]*)\/(\d+)$/i.exec(text) ?? []
  const fewestBits = address?.includes(':') ? 32 : 8
  return !/[*?]|\$\{/.test(text) && (bits === undefined || Number(bits) >= fewestBits)
}
