import { AwsError } from './aws-error.ts'

type Scalar = 'text' | 'number' | 'boolean' | 'blob'

/**
 * Type of a member on the wire. Timestamps are numbers, blobs base64 text; members of a structure are looked up in the
 * same table, since within one service a name always means the same type.
 */
export type WireType = Scalar | 'structure' | { readonly list: WireType } | { readonly map: WireType }

/** Types of a service's members by their names, on every level. */
export type WireTypes = ReadonlyMap<string, WireType>

/** A table out of names that share a type. */
export function wireTypes(
  groups: Readonly<Partial<Record<Scalar | 'structure', string>>>,
  collections: Readonly<Record<string, WireType>> = {}
): WireTypes {
  return new Map([
    ...Object.entries(groups).flatMap(([type, names]) =>
      names.split(/\s+/).map((name): [string, WireType] => [name, type as Scalar | 'structure'])
    ),
    ...Object.entries(collections)
  ])
}

type Members = Readonly<Record<string, unknown>>

/** Deeper than any input of the services; it bounds the recursion, not what is right. */
const maxDepth = 16

/**
 * The input with every known member of its type, and without members that are null, which say the same as absent ones.
 * Members that the table does not know are left alone, as the services ignore them.
 * @throws {AwsError} SerializationException for a member of another type
 */
export function checkedInput(input: Members, types: WireTypes): Members {
  return structure(input, types, 0)
}

function structure(members: Members, types: WireTypes, depth: number): Members {
  if (depth > maxDepth) throw serialization('Start of structure or map found where not expected.')
  let changed: Map<string, unknown> | undefined
  for (const [name, value] of Object.entries(members)) {
    const type = types.get(name)
    const checked = value === null || type === undefined ? value : typed(value, type, types, depth + 1)
    if (checked === value && value !== null) continue
    changed ??= new Map(Object.entries(members))
    if (checked === null) changed.delete(name)
    else changed.set(name, checked)
  }
  return changed === undefined ? members : Object.fromEntries(changed)
}

function typed(value: unknown, type: WireType, types: WireTypes, depth: number): unknown {
  switch (type) {
    case 'text':
    case 'blob':
      if (typeof value === 'string') return value
      throw unexpected(value, type === 'text' ? 'String' : 'Blob')
    case 'number':
      if (typeof value === 'number') return value
      throw unexpected(value, 'Number')
    case 'boolean':
      if (typeof value === 'boolean') return value
      throw unexpected(value, 'Boolean')
    case 'structure':
      if (isMembers(value)) return structure(value, types, depth)
      throw unexpected(value, 'structure')
    default:
      return 'list' in type ? listOf(value, type.list, types, depth) : mapOf(value, type.map, types, depth)
  }
}

function listOf(value: unknown, type: WireType, types: WireTypes, depth: number): unknown {
  if (!Array.isArray(value)) throw unexpected(value, 'list')
  const checked = value.map((item: unknown) => typed(item, type, types, depth))
  return checked.every((item, index) => item === value[index]) ? value : checked
}

function mapOf(value: unknown, type: WireType, types: WireTypes, depth: number): unknown {
  if (!isMembers(value)) throw unexpected(value, 'map')
  const checked = Object.entries(value).map(([name, item]): [string, unknown] => [
    name,
    typed(item, type, types, depth)
  ])
  return checked.every(([name, item]) => item === value[name]) ? value : Object.fromEntries(checked)
}

function isMembers(value: unknown): value is Members {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Tells the kind of the value, and never the value. */
function unexpected(value: unknown, wanted: string): AwsError {
  if (Array.isArray(value)) return serialization('Start of list found where not expected')
  if (isMembers(value)) return serialization('Start of structure or map found where not expected.')
  const kind =
    value === null ? 'NULL' : typeof value === 'boolean' ? String(value).toUpperCase() : typeof value
  return serialization(`${kind.toUpperCase()}_VALUE cannot be converted to ${wanted}`)
}

function serialization(message: string): AwsError {
  return new AwsError('SerializationException', message)
}
