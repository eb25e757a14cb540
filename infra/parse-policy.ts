import { InvalidOptionError } from '../core/errors.ts'
import { checkCondition } from './evaluation/conditions.ts'
import { checkVariables, hasVariables } from './evaluation/variables.ts'
import type {
  OneOrMore,
  PolicyConditions,
  PolicyDocument,
  PolicyPrincipal,
  PolicyStatement
} from './policy-document.ts'

const documentMembers = ['Version', 'Id', 'Statement']
const statementMembers = [
  'Sid',
  'Effect',
  'Principal',
  'NotPrincipal',
  'Action',
  'NotAction',
  'Resource',
  'NotResource',
  'Condition'
]
const principalKinds = ['AWS', 'Service', 'Federated', 'CanonicalUser']

/**
 * A policy as it is written, in the one form that this package works with. Takes the text that a service hands out (also
 * percent-encoded, as IAM does it) or what was parsed from it; one statement without a list; numbers and truth values as
 * values of conditions.
 *
 * @param path name of the policy, for errors
 * @throws InvalidOptionError with the path of what is wrong, such as `policy.Statement[0].Condition.StringEqual`
 */
export function parsePolicy(policy: unknown, path = 'policy'): PolicyDocument {
  const document = toRecord(path, typeof policy === 'string' ? parseJson(path, policy) : policy)
  checkMembers(path, document, documentMembers)
  const { Version, Id, Statement } = document
  if (Version !== undefined && Version !== '2012-10-17' && Version !== '2008-10-17') {
    throw new InvalidOptionError(`${path}.Version`, "expected '2012-10-17' or '2008-10-17'")
  }
  if (Statement === undefined) throw new InvalidOptionError(`${path}.Statement`, 'is missing')
  const areVariablesOn = hasVariables({ ...(Version === undefined ? {} : { Version }) })
  return {
    ...(Version === undefined ? {} : { Version }),
    ...(Id === undefined ? {} : { Id: toText(`${path}.Id`, Id) }),
    Statement: (Array.isArray(Statement) ? Statement : [Statement]).map((statement, index) =>
      parseStatement(`${path}.Statement[${index}]`, statement, areVariablesOn)
    )
  }
}

function parseStatement(path: string, value: unknown, areVariablesOn: boolean): PolicyStatement {
  const statement = toRecord(path, value)
  checkMembers(path, statement, statementMembers)
  const { Sid, Effect, Condition } = statement
  if (Effect !== 'Allow' && Effect !== 'Deny') {
    throw new InvalidOptionError(`${path}.Effect`, "expected 'Allow' or 'Deny'")
  }
  checkNotBoth(path, statement, 'Principal', 'NotPrincipal')
  checkNotBoth(path, statement, 'Resource', 'NotResource')
  if (checkNotBoth(path, statement, 'Action', 'NotAction') === 0) {
    throw new InvalidOptionError(`${path}.Action`, 'is missing')
  }
  const parsed: Record<string, unknown> = { Effect }
  if (Sid !== undefined) parsed.Sid = toText(`${path}.Sid`, Sid)
  for (const name of ['Principal', 'NotPrincipal']) {
    if (statement[name] !== undefined) parsed[name] = parsePrincipal(`${path}.${name}`, statement[name])
  }
  for (const name of ['Action', 'NotAction', 'Resource', 'NotResource']) {
    if (statement[name] === undefined) continue
    const texts = toTexts(`${path}.${name}`, statement[name])
    if (areVariablesOn) for (const text of textsOf(texts)) checkVariables(`${path}.${name}`, text)
    parsed[name] = texts
  }
  for (const name of ['Action', 'NotAction']) {
    if (parsed[name] !== undefined) checkActions(`${path}.${name}`, parsed[name] as OneOrMore<string>)
  }
  if (Condition !== undefined) {
    parsed.Condition = parseConditions(`${path}.Condition`, Condition, areVariablesOn)
  }
  return parsed as unknown as PolicyStatement
}

function parsePrincipal(path: string, value: unknown): PolicyPrincipal {
  if (value === '*') return '*'
  const principal = toRecord(path, value)
  checkMembers(path, principal, principalKinds)
  return Object.fromEntries(
    Object.entries(principal).map(([kind, names]) => {
      const texts = toTexts(`${path}.${kind}`, names)
      if (textsOf(texts).some(name => name !== '*' && /[*?]/.test(name))) {
        throw new InvalidOptionError(`${path}.${kind}`, 'a wildcard can only stand for everyone')
      }
      return [kind, texts]
    })
  )
}

function parseConditions(path: string, value: unknown, areVariablesOn: boolean): PolicyConditions {
  return mapRecord(path, value, (operatorPath, keys, operator) => {
    // An operator that is not known is told even where it has no key.
    checkCondition(operatorPath, operator, [])
    return mapRecord(operatorPath, keys, (keyPath, values) => {
      const texts = toTexts(keyPath, Array.isArray(values) ? values.map(scalarText) : scalarText(values))
      if (areVariablesOn) for (const text of textsOf(texts)) checkVariables(keyPath, text)
      checkCondition(keyPath, operator, textsOf(texts))
      return texts
    })
  })
}

function checkActions(path: string, actions: OneOrMore<string>): void {
  for (const action of textsOf(actions)) {
    if (action !== '*' && !/^[\w*?-]+:[\w*?-]+$/.test(action)) {
      throw new InvalidOptionError(path, 'expected * or a service and an action, such as kms:Decrypt')
    }
  }
}

function checkNotBoth(path: string, statement: object, name: string, notName: string): number {
  const given = [name, notName].filter(member => Object.hasOwn(statement, member)).length
  if (given === 2) throw new InvalidOptionError(`${path}.${notName}`, `cannot stand beside ${name}`)
  return given
}

function checkMembers(path: string, value: object, known: readonly string[]): void {
  for (const name of Object.keys(value)) {
    if (!known.includes(name)) {
      throw new InvalidOptionError(`${path}.${name}`, `unknown; known are ${known.join(', ')}`)
    }
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(/^\s*%7b/i.test(text) ? decodeURIComponent(text) : text)
  } catch {
    throw new InvalidOptionError(path, 'is no JSON')
  }
}

function mapRecord<T>(
  path: string,
  value: unknown,
  map: (path: string, value: unknown, name: string) => T
): Readonly<Record<string, T>> {
  return Object.fromEntries(
    Object.entries(toRecord(path, value)).map(([name, member]) => [
      name,
      map(`${path}.${name}`, member, name)
    ])
  )
}

function toRecord(path: string, value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Readonly<Record<string, unknown>>
  }
  throw new InvalidOptionError(path, 'expected an object')
}

function toText(path: string, value: unknown): string {
  if (typeof value === 'string') return value
  throw new InvalidOptionError(path, `expected a string, found ${typeof value}`)
}

function toTexts(path: string, value: unknown): OneOrMore<string> {
  return Array.isArray(value) ? value.map(member => toText(path, member)) : toText(path, value)
}

function textsOf(texts: OneOrMore<string>): readonly string[] {
  return typeof texts === 'string' ? [texts] : texts
}

function scalarText(value: unknown): unknown {
  return typeof value === 'boolean' || typeof value === 'number' ? String(value) : value
}
