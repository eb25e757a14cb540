import { AwsError } from '../../aws-json.ts'
import { type GrantConstraints, GrantOperation } from '../grants.ts'
import { encryptionContextOf } from './encryption-context.ts'
import { invalid } from './members.ts'

type Input = Readonly<Record<string, unknown>>

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html */
const maxPairs = 8
const maxValueLength = 384
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html */
const maxGrantTokens = 10

const known: ReadonlySet<unknown> = new Set(Object.values(GrantOperation))

/** `Operations` of CreateGrant. @throws AwsError ValidationException for one that a symmetric key does not have */
export function grantOperationsOf({ Operations: operations }: Input): readonly GrantOperation[] {
  if (!Array.isArray(operations) || operations.length === 0) throw invalid('Operations', 'not be empty')
  const unknown = (operations as readonly unknown[]).find(operation => !known.has(operation))
  if (unknown === undefined) return operations as GrantOperation[]
  throw new AwsError(
    'ValidationException',
    `Grants on symmetric encryption keys do not allow ${String(unknown)}.`
  )
}

/** `Constraints` of CreateGrant. @throws AwsError ValidationException, SerializationException */
export function constraintsOf({ Constraints: constraints }: Input): GrantConstraints | undefined {
  if (constraints === undefined || constraints === null) return undefined
  if (typeof constraints !== 'object')
    throw new AwsError('SerializationException', 'Constraints is not a structure')
  const { EncryptionContextEquals: equal, EncryptionContextSubset: subset } = constraints as Input
  for (const context of [equal, subset]) {
    const values = Object.values(encryptionContextOf(context))
    if (values.length <= maxPairs && values.every(value => value.length <= maxValueLength)) continue
    throw invalid(
      'Constraints',
      `have at most ${maxPairs} pairs with values of at most ${maxValueLength} characters`
    )
  }
  return {
    ...(equal === undefined ? {} : { EncryptionContextEquals: encryptionContextOf(equal) }),
    ...(subset === undefined ? {} : { EncryptionContextSubset: encryptionContextOf(subset) })
  }
}

/** `GrantTokens` of any request. @throws AwsError ValidationException */
export function grantTokensOf({ GrantTokens: tokens }: Input): readonly string[] {
  if (tokens === undefined || tokens === null) return []
  if (
    Array.isArray(tokens) &&
    tokens.length <= maxGrantTokens &&
    tokens.every(token => typeof token === 'string')
  ) {
    return tokens as string[]
  }
  throw invalid('GrantTokens', `have length less than or equal to ${maxGrantTokens}`)
}
