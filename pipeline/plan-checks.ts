import { checkInteger, checkKnownOptions, checkString } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import { checkBucketName } from './plan-names.ts'

/** Code that a service loads from a bucket that is there. */
export interface PlanStoredCode {
  readonly bucket: string
  readonly key: string
  /** Version of the object, without which nothing would say that there is new code. */
  readonly version: string
}

/** A section of a plan, its members not checked yet; an empty one when it is left out. */
export function section<T extends object>(
  path: string,
  value: T | undefined,
  known: readonly (keyof T & string)[]
): Partial<T> {
  if (value === undefined) return {}
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new InvalidOptionError(path === '' ? 'plan' : path, 'expected an object')
  }
  checkKnownOptions(path, value, known)
  return value
}

/** A list of a plan, its items not checked yet. */
export function itemsOf<T>(path: string, value: unknown): readonly T[] {
  if (Array.isArray(value)) return value
  throw new InvalidOptionError(path, `expected a list, found ${typeof value}`)
}

export function checkStoredCode(path: string, value: PlanStoredCode | undefined): PlanStoredCode {
  const code = section(path, value, ['bucket', 'key', 'version'])
  return {
    bucket: checkBucketName(`${path}.bucket`, code.bucket),
    key: checkString(`${path}.key`, code.key),
    version: checkString(`${path}.version`, code.version)
  }
}

export function checkText(option: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw new InvalidOptionError(option, `expected a string, found ${typeof value}`)
}

/** As `checkInteger`; a value that is only too large for something else in the plan is told so. */
export function checkUpTo(option: string, value: unknown, min: number, max: number, because: string): number {
  if (typeof value === 'number' && Number.isInteger(value) && value > max) {
    throw new InvalidOptionError(
      option,
      `expected an integer from ${min} to ${max}, ${because}, found ${value}`
    )
  }
  return checkInteger(option, value, min, max)
}
