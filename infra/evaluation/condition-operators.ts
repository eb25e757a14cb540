import { BlockList, isIP, isIPv4 } from 'node:net'
import { matchesArn, matchesText, type PolicyText, plainText } from './pattern.ts'

export interface ConditionOperator {
  /** Holds when no value of the policy compares, and when the request has no such key. */
  readonly isNegated: boolean
  readonly compares: (expected: readonly PolicyText[], actual: string) => boolean
  /** Whether a value of the policy can be compared at all; AWS refuses a policy where it cannot. */
  readonly accepts: (expected: string) => boolean
  /** What `accepts` takes, for an error. */
  readonly expects: string
}

/**
 * All operators but `Null`, which asks for the key and not for its values. Without their prefix and `IfExists`.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
 */
export const conditionOperators: ReadonlyMap<string, ConditionOperator> = new Map([
  ...pair(
    'StringEquals',
    'StringNotEquals',
    text((expected, actual) => expected === actual)
  ),
  ...pair(
    'StringEqualsIgnoreCase',
    'StringNotEqualsIgnoreCase',
    text((expected, actual) => expected.toLowerCase() === actual.toLowerCase())
  ),
  ...pair('StringLike', 'StringNotLike', pattern(matchesText)),
  ...pair('ArnEquals', 'ArnNotEquals', pattern(matchesArn)),
  ...pair('ArnLike', 'ArnNotLike', pattern(matchesArn)),
  ...pair(
    'NumericEquals',
    'NumericNotEquals',
    number((expected, actual) => actual === expected)
  ),
  ...only(
    'NumericLessThan',
    number((expected, actual) => actual < expected)
  ),
  ...only(
    'NumericLessThanEquals',
    number((expected, actual) => actual <= expected)
  ),
  ...only(
    'NumericGreaterThan',
    number((expected, actual) => actual > expected)
  ),
  ...only(
    'NumericGreaterThanEquals',
    number((expected, actual) => actual >= expected)
  ),
  ...pair(
    'DateEquals',
    'DateNotEquals',
    date((expected, actual) => actual === expected)
  ),
  ...only(
    'DateLessThan',
    date((expected, actual) => actual < expected)
  ),
  ...only(
    'DateLessThanEquals',
    date((expected, actual) => actual <= expected)
  ),
  ...only(
    'DateGreaterThan',
    date((expected, actual) => actual > expected)
  ),
  ...only(
    'DateGreaterThanEquals',
    date((expected, actual) => actual >= expected)
  ),
  ...only('Bool', bool()),
  ...only('BinaryEquals', binary()),
  ...pair('IpAddress', 'NotIpAddress', address())
])

type Comparison = Omit<ConditionOperator, 'isNegated'>
type NamedOperator = readonly [name: string, operator: ConditionOperator]

function only(name: string, comparison: Comparison): readonly NamedOperator[] {
  return [[name, { ...comparison, isNegated: false }]]
}

function pair(name: string, negatedName: string, comparison: Comparison): readonly NamedOperator[] {
  return [...only(name, comparison), [negatedName, { ...comparison, isNegated: true }]]
}

function pattern(compares: ConditionOperator['compares']): Comparison {
  return { compares, accepts: () => true, expects: 'a string' }
}

function text(compare: (expected: string, actual: string) => boolean): Comparison {
  return pattern((expected, actual) => compare(plainText(expected), actual))
}

/** What cannot be read compares with nothing. */
function parsed<T>(
  parse: (value: string) => T | undefined,
  compare: (expected: T, actual: T) => boolean,
  expects: string
): Comparison {
  return {
    compares: (expectedText, actualText) => {
      const expected = parse(plainText(expectedText))
      const actual = parse(actualText)
      return expected !== undefined && actual !== undefined && compare(expected, actual)
    },
    accepts: value => parse(value) !== undefined,
    expects
  }
}

function number(compare: (expected: number, actual: number) => boolean): Comparison {
  return parsed(parseNumber, compare, 'a number')
}

function date(compare: (expected: number, actual: number) => boolean): Comparison {
  return parsed(parseDateMs, compare, 'a date as of ISO 8601, or seconds since 1970')
}

function bool(): Comparison {
  return parsed(parseBool, (expected, actual) => expected === actual, 'true or false')
}

function binary(): Comparison {
  return parsed(parseBase64, (expected, actual) => expected.equals(actual), 'base64')
}

function address(): Comparison {
  return {
    compares: (expected, actual) => {
      const range = parseRange(plainText(expected))
      return range !== undefined && isIP(actual) !== 0 && range.check(actual, familyOf(actual))
    },
    accepts: value => parseRange(value) !== undefined,
    expects: 'an address or a range of addresses (CIDR)'
  }
}

function parseNumber(value: string): number | undefined {
  return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(value) ? Number(value) : undefined
}

function parseDateMs(value: string): number | undefined {
  if (/^\d+$/.test(value) && value.length > 4) return Number(value) * 1000
  const isDate = /^\d{4}(-\d{2}(-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2}))?)?)?$/.test(value)
  const timeMs = isDate ? Date.parse(value) : Number.NaN
  return Number.isNaN(timeMs) ? undefined : timeMs
}

function parseBool(value: string): boolean | undefined {
  const lower = value.toLowerCase()
  return lower === 'true' || lower === 'false' ? lower === 'true' : undefined
}

function parseBase64(value: string): Buffer | undefined {
  const isBase64 = value.length % 4 === 0 && /^[A-Za-z0-9+/]*={0,2}$/.test(value)
  return isBase64 ? Buffer.from(value, 'base64') : undefined
}

function parseRange(value: string): BlockList | undefined {
  const [base = '', prefix, ...rest] = value.split('/')
  if (isIP(base) === 0 || rest.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix)))
    return undefined
  const widest = isIPv4(base) ? 32 : 128
  const bits = prefix === undefined ? widest : Number(prefix)
  if (bits > widest) return undefined
  const range = new BlockList()
  range.addSubnet(base, bits, familyOf(base))
  return range
}

function familyOf(ip: string): 'ipv4' | 'ipv6' {
  return isIPv4(ip) ? 'ipv4' : 'ipv6'
}
