import { keyFor } from './keys.ts'
import type { AuditModel, AuditResource } from './model.ts'
import { isObject, knownListAt, resourcesOf, textAt, valueAt } from './readers.ts'

/** Keys that encrypt and decrypt: not those that sign or make codes. */
export function encryptionKeys(model: AuditModel): readonly AuditResource[] {
  return resourcesOf(model, 'AWS::KMS::Key', 'AWS::KMS::ReplicaKey').filter(({ properties }) => {
    const usage = textAt(properties, 'KeyUsage') ?? 'ENCRYPT_DECRYPT'
    const spec = textAt(properties, 'KeySpec') ?? 'SYMMETRIC_DEFAULT'
    return usage === 'ENCRYPT_DECRYPT' && spec === 'SYMMETRIC_DEFAULT'
  })
}

/**
 * The keys that records are sealed with. Nothing of a template says so outright: it is a key whose logical id, alias or tag
 * has the word envelope in it, or, where no key has, one that encrypts nothing at rest.
 */
export function envelopeKeys(model: AuditModel): readonly AuditResource[] {
  const keys = encryptionKeys(model)
  const named = keys.filter(key => namesOf(model, key).some(name => /envelope/i.test(name)))
  return named.length > 0 ? named : keys.filter(key => encryptedBy(model, key).length === 0)
}

export function isEnvelopeKey(model: AuditModel, key: AuditResource): boolean {
  return envelopeKeys(model).includes(key)
}

/** Resources that this key encrypts at rest. */
export function encryptedBy(model: AuditModel, key: AuditResource): readonly AuditResource[] {
  return model.resources.filter(
    ({ type, properties }) => !type.startsWith('AWS::KMS::') && mentionsKey(model, key, properties)
  )
}

// Policies speak of a key, and configuration tells of it, without encrypting anything.
const notAtRest =
  /^(Environment|Tags|Policies|PolicyDocument|AssumeRolePolicyDocument|KeyPolicy|ResourcePolicy)$/

/** Whether a property whose name says that it is a key names this one, such as `KmsKeyId` or `AWSKMSKeyARN`. */
function mentionsKey(model: AuditModel, key: AuditResource, value: unknown): boolean {
  if (Array.isArray(value)) return value.some(each => mentionsKey(model, key, each))
  if (!isObject(value)) return false
  return Object.entries(value).some(([name, each]) => {
    if (notAtRest.test(name)) return false
    return (/key.*(id|arn)$/i.test(name) && keyFor(model, each) === key) || mentionsKey(model, key, each)
  })
}

function namesOf(model: AuditModel, key: AuditResource): readonly string[] {
  const aliases = resourcesOf(model, 'AWS::KMS::Alias')
    .filter(({ properties }) => keyFor(model, properties.TargetKeyId) === key)
    .flatMap(({ properties }) => textAt(properties, 'AliasName') ?? [])
  const tags = knownListAt(key.properties, 'Tags').flatMap(tag => {
    const value = valueAt(tag, 'Value')
    return typeof value === 'string' ? [value] : []
  })
  return [key.id, ...aliases, ...tags]
}
