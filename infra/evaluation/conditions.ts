import { InvalidOptionError } from '../../core/errors.ts'
import type { OneOrMore, PolicyConditions } from '../policy-document.ts'
import { type ConditionOperator, conditionOperators } from './condition-operators.ts'
import { type PolicyText, plainText } from './pattern.ts'
import type { RequestContext } from './request-context.ts'
import { fillIn } from './variables.ts'

/** An operator as a policy writes it, such as `ForAllValues:StringEqualsIfExists`. */
interface WrittenOperator {
  readonly quantifier: 'ForAllValues' | 'ForAnyValue' | undefined
  /** Undefined for `Null`. */
  readonly operator: ConditionOperator | undefined
  /** Holds as well when the request has no such key. */
  readonly ifExists: boolean
}

/**
 * Whether all conditions hold: several values of a key are alternatives, several keys and operators all count.
 * The conditions have been checked.
 */
export function conditionsHold(
  conditions: PolicyConditions | undefined,
  context: RequestContext,
  areVariablesOn: boolean
): boolean {
  return Object.entries(conditions ?? {}).every(([name, keys]) => {
    const written = operatorOf(name)
    return Object.entries(keys).every(([key, values]) => {
      const expected = toList(values).flatMap(value => {
        const texts = areVariablesOn ? fillIn(value, context) : [{ text: value, isLiteral: false }]
        // A variable that the request has no value for compares with nothing.
        return texts === undefined ? [] : [texts]
      })
      return written !== undefined && holds(written, expected, context.values(key))
    })
  })
}

/** @throws InvalidOptionError for an operator that is not known, or a value that it cannot compare */
export function checkCondition(path: string, name: string, values: readonly string[]): void {
  const written = parseOperator(name)
  if (written === undefined) throw new InvalidOptionError(path, `unknown condition operator ${name}`)
  const { accepts = isTrueOrFalse, expects = 'true or false' } = written.operator ?? {}
  for (const value of values) {
    if (!value.includes('${') && !accepts(value)) throw new InvalidOptionError(path, `expected ${expects}`)
  }
}

export function toList<T>(values: OneOrMore<T>): readonly T[] {
  return Array.isArray(values) ? values : [values as T]
}

/** By name as it is written; there are no more of them than IAM has, with their prefixes. */
const writtenOperators = new Map<string, WrittenOperator>()

function operatorOf(name: string): WrittenOperator | undefined {
  const written = writtenOperators.get(name) ?? parseOperator(name)
  if (written !== undefined) writtenOperators.set(name, written)
  return written
}

function parseOperator(name: string): WrittenOperator | undefined {
  if (name === 'Null') return { quantifier: undefined, operator: undefined, ifExists: false }
  const [, quantifier, base = '', ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/.exec(name) ?? []
  const operator = conditionOperators.get(base)
  if (operator === undefined) return undefined
  return {
    quantifier: quantifier as WrittenOperator['quantifier'],
    operator,
    ifExists: ifExists !== undefined
  }
}

function holds(
  { quantifier, operator, ifExists }: WrittenOperator,
  expected: readonly (readonly PolicyText[])[],
  actual: readonly string[] | undefined
): boolean {
  if (operator === undefined) {
    return expected.some(texts => (plainText(texts).toLowerCase() === 'true') === (actual === undefined))
  }
  const { compares, isNegated } = operator
  if (actual === undefined) {
    return ifExists || quantifier === 'ForAllValues' || (isNegated && quantifier === undefined)
  }
  const matches = (value: string) => expected.some(texts => compares(texts, value)) !== isNegated
  // Without a quantifier a key has one value; of several, one that compares is enough.
  const isEvery = quantifier === 'ForAllValues' || (quantifier === undefined && isNegated)
  return isEvery ? actual.every(matches) : actual.some(matches)
}

function isTrueOrFalse(value: string): boolean {
  return /^(true|false)$/i.test(value)
}
