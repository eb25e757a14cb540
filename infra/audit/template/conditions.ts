import { InvalidOptionError } from '../../../core/errors.ts'
import { unknownValue } from '../model.ts'
import { isObject } from '../readers.ts'
import { memberOf } from './document.ts'

/** Whether a condition holds; undefined where that depends on what cannot be told. */
export type Truth = boolean | undefined

/**
 * Decides the conditions of a template, each once.
 * @throws InvalidOptionError for a condition that rests on itself, and for one that is none.
 */
export class TemplateConditions {
  readonly #conditions: Readonly<Record<string, unknown>>
  readonly #resolve: (value: unknown, location: string) => unknown
  readonly #decided = new Map<string, Truth>()
  readonly #deciding = new Set<string>()

  constructor(
    conditions: Readonly<Record<string, unknown>>,
    resolve: (value: unknown, location: string) => unknown
  ) {
    this.#conditions = conditions
    this.#resolve = resolve
  }

  /** Undefined also for a name that the template does not have. */
  decide(name: string): Truth {
    if (this.#decided.has(name)) return this.#decided.get(name)
    const location = `Conditions.${name}`
    if (this.#deciding.has(name)) throw new InvalidOptionError(`template.${location}`, 'rests on itself')
    const condition = memberOf(this.#conditions, name)
    if (condition === undefined) return undefined
    this.#deciding.add(name)
    const truth = this.#evaluate(condition, location)
    this.#deciding.delete(name)
    this.#decided.set(name, truth)
    return truth
  }

  #evaluate(condition: unknown, location: string): Truth {
    const [name, argument] = isObject(condition) ? (Object.entries(condition)[0] ?? []) : []
    const list = Array.isArray(argument) ? argument : []
    switch (name) {
      case 'Condition':
        if (typeof argument === 'string') return this.decide(argument)
        break
      case 'Fn::Equals': {
        const [left, right] = list.map((each, index) => this.#resolve(each, `${location}[${index}]`))
        if (left === unknownValue || right === unknownValue) return undefined
        return isScalar(left) && isScalar(right) && String(left) === String(right)
      }
      case 'Fn::Not':
        return not(this.#evaluate(list[0], `${location}[0]`))
      case 'Fn::And':
        return not(this.#any(list, location, true))
      case 'Fn::Or':
        return this.#any(list, location, false)
    }
    throw new InvalidOptionError(
      `template.${location}`,
      'expected Condition, Fn::Equals, Fn::And, Fn::Or or Fn::Not'
    )
  }

  /** Whether one of them holds, or does not; unknown ones matter where no other decides. */
  #any(list: readonly unknown[], location: string, negated: boolean): Truth {
    const truths = list.map((each, index) => {
      const truth = this.#evaluate(each, `${location}[${index}]`)
      return negated ? not(truth) : truth
    })
    return truths.includes(true) || (truths.includes(undefined) ? undefined : false)
  }
}

function isScalar(value: unknown): boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function not(truth: Truth): Truth {
  return truth === undefined ? undefined : !truth
}
