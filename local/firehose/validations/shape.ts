import { AwsError } from '../../aws-json.ts'
import { constraintError } from '../../constraint-error.ts'

export type Members = Readonly<Record<string, unknown>>

/** A structure of a request with its path, for the words in which the service refuses it. */
export class Shape {
  readonly members: Members
  readonly path: string

  constructor(members: unknown, path: string) {
    this.members = typeof members === 'object' && members !== null ? (members as Members) : {}
    this.path = path
  }

  has(name: string): boolean {
    return this.members[name] !== undefined && this.members[name] !== null
  }

  /** Path of a member as the service writes it, each name beginning with a lower-case letter. */
  at(name: string): string {
    return this.path === '' ? lowerFirst(name) : `${this.path}.${lowerFirst(name)}`
  }

  /** An absent structure is an empty one. */
  child(name: string, pathName = name): Shape {
    return new Shape(this.members[name], this.at(pathName))
  }

  /** The structures of a list, from `<name>.1.member` on; none when it is absent. */
  list(name: string): readonly Shape[] {
    const items = Array.isArray(this.members[name]) ? (this.members[name] as unknown[]) : []
    return items.map((item, index) => new Shape(item, `${this.at(name)}.${index + 1}.member`))
  }

  /** Empty when it is absent. */
  text(name: string, rule: { readonly max?: number; readonly pattern?: RegExp } = {}): string {
    const value = this.members[name]
    const text = typeof value === 'string' ? value : ''
    if (rule.max !== undefined && text.length > rule.max) {
      throw constraintError(this.at(name), `Member must have length less than or equal to ${rule.max}`)
    }
    if (text !== '' && rule.pattern !== undefined && !rule.pattern.test(text)) {
      throw constraintError(
        this.at(name),
        `Member must satisfy regular expression pattern: ${rule.pattern.source.replaceAll('\\/', '/')}`
      )
    }
    return text
  }

  required(name: string, rule: { readonly max?: number; readonly pattern?: RegExp } = {}): string {
    if (this.text(name) === '') throw constraintError(this.at(name), 'Member must not be null')
    return this.text(name, rule)
  }

  requiredChild(name: string, pathName = name): Shape {
    if (!this.has(name)) throw constraintError(this.at(pathName), 'Member must not be null')
    return this.child(name, pathName)
  }

  oneOf<T extends string>(name: string, values: readonly T[], otherwise?: T): T {
    if (!this.has(name) && otherwise !== undefined) return otherwise
    const value = this.required(name) as T
    if (values.includes(value)) return value
    throw constraintError(this.at(name), `Member must satisfy enum value set: [${values.join(', ')}]`)
  }

  number(name: string, min: number, max: number, otherwise: number): number {
    const value = this.has(name) ? this.members[name] : otherwise
    if (typeof value !== 'number' || value < min) {
      throw constraintError(this.at(name), `Member must have value greater than or equal to ${min}`)
    }
    if (value > max)
      throw constraintError(this.at(name), `Member must have value less than or equal to ${max}`)
    return value
  }

  /** Size and interval, both or neither. */
  bufferingHints(
    name: string,
    maxMiB: number,
    maxSeconds: number,
    usualSeconds: number
  ): { readonly bufferSizeMiB: number; readonly bufferIntervalSeconds: number } {
    const hints = this.child(name)
    if (hints.has('SizeInMBs') !== hints.has('IntervalInSeconds')) {
      throw invalid(`Both SizeInMBs and IntervalInSeconds must be specified in ${name}.`)
    }
    return {
      bufferSizeMiB: hints.number('SizeInMBs', 1, maxMiB, 5),
      bufferIntervalSeconds: hints.number('IntervalInSeconds', 0, maxSeconds, usualSeconds)
    }
  }

  /** @throws {AwsError} InvalidArgumentException when any of these members is there */
  refuse(...names: readonly string[]): void {
    for (const name of names) {
      if (this.has(name)) throw invalid(`${name} is not implemented by the local engine`)
    }
  }

  /** Types of the processors that are switched on. */
  processors(): readonly string[] {
    const processing = this.child('ProcessingConfiguration')
    if (processing.members.Enabled !== true) return []
    return ((processing.members.Processors ?? []) as { Type: string }[]).map(({ Type }) => Type)
  }
}

export function lowerFirst(name: string): string {
  return name[0]!.toLowerCase() + name.slice(1)
}

export function invalid(message: string): AwsError {
  return new AwsError('InvalidArgumentException', message)
}
