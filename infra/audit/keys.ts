import { demand, type Problem, unknown, wrong } from './judge.ts'
import { type AuditModel, type AuditResource, unknownValue } from './model.ts'
import { nameIn, resourcesOf, textAt } from './readers.ts'

/** The key that a property means: by its ARN, its id, or an alias. Undefined where it is none of the model. */
export function keyFor(model: AuditModel, reference: unknown): AuditResource | undefined {
  if (typeof reference !== 'string') return undefined
  const keys = resourcesOf(model, 'AWS::KMS::Key', 'AWS::KMS::ReplicaKey')
  const found = keys.find(({ id, arn }) => reference === arn || reference === nameIn(arn) || reference === id)
  if (found !== undefined) return found
  const alias = resourcesOf(model, 'AWS::KMS::Alias').find(
    ({ arn, properties }) => reference === arn || reference === textAt(properties, 'AliasName')
  )
  // An alias that named itself would be asked for ever.
  const target = textAt(alias?.properties, 'TargetKeyId')
  return target === undefined || target === reference ? undefined : keyFor(model, target)
}

/** Whether a name may be that of a key with a policy of one's own: in templates keys of AWS are named by an alias. */
export function isCustomerKey(reference: unknown): boolean {
  return typeof reference === 'string' && reference !== '' && !/(^|[:/])alias\/aws\//.test(reference)
}

/** Whether two references mean the same key; undefined where that cannot be told, as of an alias and an ARN. */
export function isSameKey(model: AuditModel, a: unknown, b: unknown): boolean | undefined {
  if (a === unknownValue || b === unknownValue) return undefined
  const [keyA, keyB] = [keyFor(model, a), keyFor(model, b)]
  if (keyA !== undefined && keyB !== undefined) return keyA === keyB
  if (a === b) return true
  return isArnOfKey(a) && isArnOfKey(b) ? false : undefined
}

/** Demands a customer-managed key. `name` is the property, such as `StreamEncryption.KeyId`. */
export function demandCustomerKey(model: AuditModel, name: string, reference: unknown): Problem | undefined {
  const text = `${name} is a key of AWS, which has no policy of yours`
  return (
    demand(name, reference, isCustomerKey, reference === undefined ? `${name} is not set` : text) ??
    (isLeftOut(model, reference) ? wrongUnlessRefused(model, name, text) : undefined)
  )
}

/** An account tells keys of AWS by ARNs, too: of those that were read they are left out. */
function isLeftOut(model: AuditModel, reference: unknown): boolean {
  return model.source !== 'template' && reference !== unknownValue && keyFor(model, reference) === undefined
}

function wrongUnlessRefused({ failedReads }: AuditModel, name: string, text: string): Problem {
  return failedReads.some(({ action }) => action === 'kms:DescribeKey')
    ? unknown(`whose key ${name} is was not read`)
    : wrong(text)
}

function isArnOfKey(reference: unknown): boolean {
  return typeof reference === 'string' && /^arn:[^:]+:kms:[^:]*:[^:]*:key\//.test(reference)
}
