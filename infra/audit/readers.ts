import { type AuditModel, type AuditResource, unknownValue } from './model.ts'

/*
 * Typed access to what a template or an account says. Whatever cannot be told stays `unknownValue` all the way, so that no
 * control takes it for an absent or a good value.
 */

export type Unknown = typeof unknownValue

/** What stands at a path. Undefined where there is nothing; `unknownValue` where it, or what holds it, cannot be told. */
export function valueAt(from: unknown, ...path: readonly string[]): unknown {
  let value = from
  for (const name of path) {
    if (value === unknownValue) return unknownValue
    if (!isObject(value) || !Object.hasOwn(value, name)) return undefined
    value = value[name]
  }
  return value
}

/** A list at a path; one value alone is a list of it, as CloudFormation takes it, and nothing is an empty one. */
export function listAt(from: unknown, ...path: readonly string[]): readonly unknown[] | Unknown {
  const value = valueAt(from, ...path)
  if (value === unknownValue) return unknownValue
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value]
}

/** The list at a path where it can be told, and an empty one where it cannot: for what is looked through, not demanded. */
export function knownListAt(from: unknown, ...path: readonly string[]): readonly unknown[] {
  const list = listAt(from, ...path)
  return list === unknownValue ? [] : list
}

/** The text at a path; undefined for whatever is none, unknown values included. */
export function textAt(from: unknown, ...path: readonly string[]): string | undefined {
  const value = valueAt(from, ...path)
  return typeof value === 'string' ? value : undefined
}

/** CloudFormation takes booleans as text, too. */
export function isTrue(value: unknown): boolean {
  return value === true || value === 'true'
}

/** CloudFormation takes numbers as text, too. Undefined for what is none. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value
  return typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value) ? Number(value) : undefined
}

/** Resources of these types, in the order of the model. */
export function resourcesOf(model: AuditModel, ...types: readonly string[]): readonly AuditResource[] {
  return model.resources.filter(({ type }) => types.includes(type))
}

/** The resource that a reference means: by its ARN, its name, or its logical id. */
export function resourceFor(
  model: AuditModel,
  reference: unknown,
  ...types: readonly string[]
): AuditResource | undefined {
  if (typeof reference !== 'string') return undefined
  return resourcesOf(model, ...types).find(
    ({ id, arn }) => reference === arn || reference === id || reference === nameIn(arn)
  )
}

/** What follows the type of a resource in its ARN: the name where there is one. */
export function nameIn(arn: string): string {
  const resource = arn.split(':').slice(5).join(':')
  return resource.replace(/^[^/:]*[/:]/, '')
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
