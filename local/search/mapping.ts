import { SearchError } from './errors.ts'

export type Source = Readonly<Record<string, unknown>>

interface FieldMapping {
  type?: string
  properties?: Record<string, FieldMapping>
}

/** Fields that a document brings, by the object that they belong to. */
type NewFields = Map<Record<string, FieldMapping>, Map<string, FieldMapping>>

const wholeTypes = ['long', 'integer', 'short', 'byte']
const numberTypes = [...wholeTypes, 'unsigned_long', 'float', 'double', 'half_float', 'scaled_float']
const textTypes = ['text', 'keyword', 'wildcard', 'constant_keyword']

/** Fields of one index, as it holds them by default. */
const maxFields = 1_000
/** Objects within objects, as an index takes them by default. */
const maxDepth = 20

/**
 * What the fields of an index are. Unknown fields get a type from their first value, unless `dynamic` is `strict` or
 * `false`. Types are held to as far as it takes to refuse documents: numbers, booleans, dates, text and objects.
 */
export class Mapping {
  readonly #properties: Record<string, FieldMapping>
  readonly #dynamic: string
  #fields = 0

  /** @throws {SearchError} 400 when a type is missing from a field that has no properties */
  constructor(given: unknown) {
    const { properties, dynamic } = definition(given, '_doc')
    this.#properties = {}
    this.#dynamic = String(dynamic ?? true)
    this.merge(properties)
  }

  get description(): object {
    return {
      ...(this.#dynamic === 'true' ? {} : { dynamic: this.#dynamic }),
      properties: this.#properties
    }
  }

  /** Adds fields; one that is there already keeps its type, or the call is refused with 400. */
  merge(properties: unknown): void {
    this.#mergeInto(this.#properties, properties, '', 1)
  }

  /** Adds the fields of a document. @throws {SearchError} 400 when a value does not fit; nothing is added then. */
  accept(source: Source): void {
    const added: NewFields = new Map()
    this.#check(this.#properties, source, '', added, 1)
    for (const [properties, fields] of added) {
      for (const [name, field] of fields) this.#add(properties, name, field)
    }
  }

  #mergeInto(into: Record<string, FieldMapping>, properties: unknown, path: string, depth: number): void {
    if (depth > maxDepth) throw tooDeep()
    for (const [name, field] of Object.entries(definition(properties, `${path}properties`))) {
      const at = `${path}${name}`
      const given = definition(field, at) as FieldMapping
      if (typeof given.type !== 'string' && given.properties === undefined) {
        throw new SearchError(400, 'mapper_parsing_exception', `No type specified for field [${at}]`)
      }
      const present = ownField(into, name)
      if (given.properties !== undefined) {
        const field = present ?? this.#add(into, name, { properties: {} })
        field.properties ??= {}
        this.#mergeInto(field.properties, given.properties, `${at}.`, depth + 1)
      } else if (present === undefined) {
        this.#add(into, name, { ...given })
      } else if (present.type !== given.type) {
        throw new SearchError(
          400,
          'illegal_argument_exception',
          `mapper [${at}] cannot be changed from type [${present.type ?? 'object'}] to [${given.type}]`
        )
      }
    }
  }

  #add(into: Record<string, FieldMapping>, name: string, field: FieldMapping): FieldMapping {
    if (this.#fields >= maxFields) throw tooManyFields()
    this.#fields += 1
    Object.defineProperty(into, name, { value: field, enumerable: true, writable: true, configurable: true })
    return field
  }

  #check(
    properties: Record<string, FieldMapping>,
    source: Source,
    path: string,
    added: NewFields,
    depth: number
  ): void {
    if (depth > maxDepth) throw tooDeep()
    for (const [name, given] of Object.entries(source)) {
      const at = `${path}${name}`
      for (const value of Array.isArray(given) ? (given as unknown[]).flat(10) : [given]) {
        if (value === null || value === undefined) continue
        let field = ownField(properties, name) ?? added.get(properties)?.get(name)
        if (field === undefined) {
          if (this.#dynamic === 'false') continue
          if (this.#dynamic === 'strict') {
            throw new SearchError(
              400,
              'strict_dynamic_mapping_exception',
              `mapping set to strict, dynamic introduction of [${at}] is not allowed`
            )
          }
          field = typeof value === 'object' ? { properties: {} } : { type: dynamicType(value) }
          const siblings = added.get(properties) ?? new Map<string, FieldMapping>()
          added.set(properties, siblings.set(name, field))
          if (this.#fields + countOf(added) > maxFields) throw tooManyFields()
        }
        if (field.properties !== undefined) {
          if (typeof value !== 'object') throw misfit(at, 'object')
          this.#check(field.properties, value as Source, `${at}.`, added, depth + 1)
        } else if (!fits(field.type!, value)) {
          throw misfit(at, field.type!)
        }
      }
    }
  }
}

function countOf(fields: NewFields): number {
  return [...fields.values()].reduce((sum, { size }) => sum + size, 0)
}

function ownField(properties: Record<string, FieldMapping>, name: string): FieldMapping | undefined {
  return Object.hasOwn(properties, name) ? properties[name] : undefined
}

function dynamicType(value: unknown): string {
  if (typeof value === 'number') return Number.isInteger(value) ? 'long' : 'float'
  if (typeof value === 'boolean') return 'boolean'
  return /^\d{4}-\d{2}-\d{2}(T.*)?$/.test(String(value)) && fits('date', value) ? 'date' : 'text'
}

function fits(type: string, value: unknown): boolean {
  if (numberTypes.includes(type)) {
    return (
      typeof value === 'number' ||
      (typeof value === 'string' && value.trim() !== '' && Number.isFinite(Number(value)))
    )
  }
  if (type === 'boolean') return typeof value === 'boolean' || ['true', 'false', ''].includes(value as string)
  if (type === 'date') {
    return typeof value === 'number' || (typeof value === 'string' && !Number.isNaN(Date.parse(value)))
  }
  return !textTypes.includes(type) || typeof value !== 'object'
}

/** Names the field and never the value. */
function misfit(path: string, type: string): SearchError {
  return new SearchError(
    400,
    'document_parsing_exception',
    `failed to parse field [${path}] of type [${type}]`
  )
}

function definition(given: unknown, path: string): Readonly<Record<string, unknown>> {
  if (given === undefined || given === null) return {}
  if (typeof given === 'object' && !Array.isArray(given)) return given as Record<string, unknown>
  throw new SearchError(400, 'mapper_parsing_exception', `Expected map for property [${path}]`)
}

function tooDeep(): SearchError {
  return new SearchError(
    400,
    'illegal_argument_exception',
    `Limit of mapping depth [${maxDepth}] has been exceeded`
  )
}

function tooManyFields(): SearchError {
  return new SearchError(
    400,
    'illegal_argument_exception',
    `Limit of total fields [${maxFields}] has been exceeded`
  )
}
