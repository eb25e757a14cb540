import { constraintError } from '../../constraint-error.ts'
import { invalid } from './shape.ts'

/** Tags of a request, 1 to 50 of them. */
export function parseTags(given: unknown, path: string): ReadonlyMap<string, string> {
  const tags = Array.isArray(given) ? (given as { Key?: unknown; Value?: unknown }[]) : []
  if (tags.length < 1 || tags.length > 50) {
    throw constraintError(path, 'Member must have length between 1 and 50')
  }
  return new Map(
    tags.map(({ Key: key, Value: value = '' }, index) => {
      const at = `${path}.${index + 1}.member`
      if (typeof key !== 'string' || !/^[\p{L}\p{Z}\p{N}_.:/=+\-@%]{1,128}$/u.test(key)) {
        throw constraintError(
          `${at}.key`,
          'Member must have length between 1 and 128 and hold the allowed characters'
        )
      }
      if (typeof value !== 'string' || !/^[\p{L}\p{Z}\p{N}_.:/=+\-@%]{0,256}$/u.test(value)) {
        throw constraintError(
          `${at}.value`,
          'Member must have length between 0 and 256 and hold the allowed characters'
        )
      }
      if (key.toLowerCase().startsWith('aws:')) throw invalid('Tag keys must not begin with aws:.')
      return [key, value]
    })
  )
}
