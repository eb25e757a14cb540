import type { AuditResource } from '../../model.ts'

/**
 * A resource of an account, under the names of CloudFormation. Members that are undefined are left out. `call` is the
 * one that told of it.
 */
export function resource(
  type: string,
  id: string,
  arn: string,
  call: string,
  properties: Readonly<Record<string, unknown>>
): AuditResource {
  const given = Object.entries(properties).filter(([, value]) => value !== undefined)
  return { id, type, arn, location: `${call} ${id}`, properties: Object.fromEntries(given) }
}
