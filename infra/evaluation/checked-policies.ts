import { InvalidOptionError } from '../../core/errors.ts'
import type { AccessPolicies, NamedPolicy } from '../access.ts'
import { parsePolicy } from '../parse-policy.ts'
import type { PolicyDocument } from '../policy-document.ts'

export interface CheckedPolicies extends AccessPolicies {
  readonly identity: readonly NamedPolicy[]
  readonly limits: readonly NamedPolicy[]
}

/**
 * The policies in the one form that is evaluated, each a policy that can stand where it does.
 * @throws InvalidOptionError
 */
export function checkPolicies({
  identity = [],
  resource,
  limits = [],
  ...others
}: AccessPolicies): CheckedPolicies {
  return {
    ...others,
    identity: identity.map(checkIdentityPolicy),
    ...(resource === undefined ? {} : { resource: checkResourcePolicy(resource) }),
    limits: limits.map(checkPolicy)
  }
}

function checkIdentityPolicy(policy: NamedPolicy): NamedPolicy {
  const checked = checkPolicy(policy)
  if (identityDocuments.has(checked.document)) return checked
  for (const [index, statement] of checked.document.Statement.entries()) {
    const path = `${policy.name}.Statement[${index}]`
    if (statement.Principal !== undefined || statement.NotPrincipal !== undefined) {
      throw new InvalidOptionError(`${path}.Principal`, 'cannot be in the policy of an identity')
    }
    if (statement.Resource === undefined && statement.NotResource === undefined) {
      throw new InvalidOptionError(`${path}.Resource`, 'is missing')
    }
  }
  identityDocuments.add(checked.document)
  return checked
}

function checkResourcePolicy(policy: NamedPolicy): NamedPolicy {
  const checked = checkPolicy(policy)
  if (resourceDocuments.has(checked.document)) return checked
  for (const [index, statement] of checked.document.Statement.entries()) {
    if (statement.Principal === undefined && statement.NotPrincipal === undefined) {
      throw new InvalidOptionError(`${policy.name}.Statement[${index}].Principal`, 'is missing')
    }
  }
  resourceDocuments.add(checked.document)
  return checked
}

/** A document is parsed once, and checked once for each place: documents are data that nobody changes. */
const parsedDocuments = new WeakMap<object, PolicyDocument>()
const identityDocuments = new WeakSet<PolicyDocument>()
const resourceDocuments = new WeakSet<PolicyDocument>()

function checkPolicy({ name, document }: NamedPolicy): NamedPolicy {
  const isObject = typeof document === 'object' && document !== null
  const parsed = (isObject ? parsedDocuments.get(document) : undefined) ?? parsePolicy(document, name)
  if (isObject) parsedDocuments.set(document, parsed)
  return { name, document: parsed }
}
