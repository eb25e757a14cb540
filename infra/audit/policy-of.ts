import { InvalidOptionError } from '../../core/errors.ts'
import type { PolicyDocument, PolicyStatement } from '../policy-document.ts'
import { unknownValue } from './model.ts'
import { isObject } from './template/document.ts'

/**
 * A policy as a property or an API has it, in one shape.
 * @throws InvalidOptionError for what is none, and for one that holds a value that cannot be told.
 */
export function policyOf(value: unknown, path: string): PolicyDocument {
  const parsed = typeof value === 'string' ? parseText(value, path) : value
  checkKnown(parsed, path)
  if (!isObject(parsed)) throw new InvalidOptionError(path, 'expected a policy')
  const statements = Array.isArray(parsed.Statement) ? parsed.Statement : [parsed.Statement]
  for (const [index, statement] of statements.entries()) {
    const at = `${path}.Statement[${index}]`
    if (!isObject(statement)) throw new InvalidOptionError(at, 'expected an object')
    if (statement.Effect !== 'Allow' && statement.Effect !== 'Deny') {
      throw new InvalidOptionError(`${at}.Effect`, 'expected Allow or Deny')
    }
    if ((statement.Action === undefined) === (statement.NotAction === undefined)) {
      throw new InvalidOptionError(at, 'expected exactly one of Action and NotAction')
    }
  }
  return { ...(parsed as object), Statement: statements as PolicyStatement[] }
}

function parseText(text: string, path: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    throw new InvalidOptionError(path, 'is not JSON')
  }
}

function checkKnown(value: unknown, path: string): void {
  if (value === unknownValue) throw new InvalidOptionError(path, 'cannot be told')
  if (Array.isArray(value)) {
    for (const [index, each] of value.entries()) checkKnown(each, `${path}[${index}]`)
  } else if (isObject(value)) {
    for (const [name, each] of Object.entries(value)) checkKnown(each, `${path}.${name}`)
  }
}
