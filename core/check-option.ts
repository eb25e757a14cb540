import { InvalidOptionError } from './errors.ts'

/** Returns `value`, or throws naming the option, the value's type and what would be accepted. */
export function checkInteger(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value
  const found = typeof value === 'number' ? String(value) : typeof value
  throw new InvalidOptionError(option, `expected an integer from ${min} to ${max}, found ${found}`)
}

export function checkString(option: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value
  throw new InvalidOptionError(
    option,
    `expected a string that is not empty, found ${value === '' ? "''" : typeof value}`
  )
}

export function checkBoolean(option: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw new InvalidOptionError(option, `expected true or false, found ${typeof value}`)
}

export function checkOneOf<T extends string>(option: string, value: unknown, accepted: readonly T[]): T {
  if (accepted.includes(value as T)) return value as T
  const found = typeof value === 'string' ? `'${value}'` : typeof value
  throw new InvalidOptionError(
    option,
    `expected ${accepted.map(name => `'${name}'`).join(' or ')}, found ${found}`
  )
}

/** Throws for every member of `options` that is not in `known`, so that a misspelt option is never ignored. */
export function checkKnownOptions(path: string, options: object, known: readonly string[]): void {
  for (const name of Object.keys(options)) {
    if (!known.includes(name)) {
      throw new InvalidOptionError(
        path === '' ? name : `${path}.${name}`,
        `unknown; known are ${known.join(', ')}`
      )
    }
  }
}

/** Throws when more than one of the named options is given: each would make the others pointless. */
export function checkAtMostOne<T extends object>(options: T, names: readonly (keyof T & string)[]): void {
  const [first, second] = names.filter(name => options[name] !== undefined)
  if (first === undefined || second === undefined) return
  throw new InvalidOptionError(second, `cannot stand beside ${first}: expected at most one of them`)
}
