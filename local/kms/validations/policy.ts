import { AwsError } from '../../aws-json.ts'
import { optionalTextOf } from './members.ts'

/** 32 KiB (https://docs.aws.amazon.com/sdkfornet/latest/apidocs/items/TKeyManagementServicePutKeyPolicyRequestNET35.html). */
const maxPolicyLength = 32_768

/** The policy of a key that was made without one: the account itself may do everything. */
export function defaultPolicy(accountId: string): string {
  return JSON.stringify({
    Version: '2012-10-17',
    Id: 'key-default-1',
    Statement: [
      {
        Sid: 'Enable IAM User Permissions',
        Effect: 'Allow',
        Principal: { AWS: `arn:aws:iam::${accountId}:root` },
        Action: 'kms:*',
        Resource: '*'
      }
    ]
  })
}

/** `Policy` of the input; undefined when it is missing. @throws AwsError MalformedPolicyDocumentException */
export function policyOf(input: Readonly<Record<string, unknown>>): string | undefined {
  const policy = optionalTextOf(input, 'Policy', maxPolicyLength)
  if (policy === undefined) return undefined
  let parsed: unknown
  try {
    parsed = JSON.parse(policy)
  } catch {
    throw malformed('The policy is not valid JSON.')
  }
  const statements = typeof parsed === 'object' && parsed !== null && 'Statement' in parsed
  if (!statements) throw malformed('The new key policy has no statement.')
  return policy
}

/** Keys have one policy, and its name is fixed. @throws AwsError NotFoundException */
export function checkPolicyName({ PolicyName: name }: Readonly<Record<string, unknown>>): void {
  if (name === undefined || name === null || name === 'default') return
  throw new AwsError('NotFoundException', `No such policy exists: ${String(name)}`)
}

function malformed(message: string): AwsError {
  return new AwsError('MalformedPolicyDocumentException', message)
}
