import type { AccessGrant } from '../access.ts'
import type { Question } from './statements.ts'

/** Operations that take an encryption context; the constraints of a grant hold for no others. */
const withContext = new Set([
  'decrypt',
  'encrypt',
  'generatedatakey',
  'generatedatakeywithoutplaintext',
  'generatedatakeypair',
  'generatedatakeypairwithoutplaintext',
  'reencryptfrom',
  'reencryptto'
])

/**
 * Whether the grant lets who asks do it.
 *
 * AWS documents that the names of a grant's constraints are compared without regard to case, their values with it.
 * https://docs.aws.amazon.com/kms/latest/APIReference/API_GrantConstraints.html
 */
export function grantAllows(grant: AccessGrant, { principal, action, context }: Question): boolean {
  const operation = action.replace(/^kms:/i, '').toLowerCase()
  if (grant.granteePrincipal !== principal.arn) return false
  if (!grant.operations.some(granted => granted.toLowerCase() === operation)) return false
  if (!withContext.has(operation)) return true
  const { contextEquals, contextSubset } = grant
  const sent = context.encryptionContext
  return (
    (contextSubset === undefined || includesPairs(sent, contextSubset)) &&
    (contextEquals === undefined ||
      (includesPairs(sent, contextEquals) && sent.length === Object.keys(contextEquals).length))
  )
}

function includesPairs(
  sent: readonly (readonly [name: string, value: string])[],
  required: Readonly<Record<string, string>>
): boolean {
  return Object.entries(required).every(([name, value]) =>
    sent.some(([sentName, sentValue]) => sentName.toLowerCase() === name.toLowerCase() && sentValue === value)
  )
}
