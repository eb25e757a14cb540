import { AwsError } from '../../aws-json.ts'
import { integerOf, optionalTextOf } from './members.ts'

export interface Page<T> {
  readonly items: readonly T[]
  /** `Truncated`, and `NextMarker` when there is more. */
  readonly rest: { readonly Truncated: boolean; readonly NextMarker?: string }
}

export interface PageLimits {
  readonly byDefault: number
  readonly max: number
}

/**
 * What `Limit` and `Marker` of a request ask for. A marker names the last item that was handed out.
 * @throws AwsError InvalidMarkerException when there is no such item
 */
export function pageOf<T>(
  input: Readonly<Record<string, unknown>>,
  all: readonly T[],
  nameOf: (item: T) => string,
  { byDefault, max }: PageLimits
): Page<T> {
  const limit = integerOf(input, 'Limit', 1, max) ?? byDefault
  const marker = optionalTextOf(input, 'Marker', 1_024)
  const after = marker === undefined ? 0 : all.findIndex(item => markerOf(nameOf(item)) === marker) + 1
  if (marker !== undefined && after === 0)
    throw new AwsError('InvalidMarkerException', 'Could not deserialize marker')
  const items = all.slice(after, after + limit)
  if (after + limit >= all.length) return { items, rest: { Truncated: false } }
  return { items, rest: { Truncated: true, NextMarker: markerOf(nameOf(items.at(-1)!)) } }
}

function markerOf(name: string): string {
  return Buffer.from(`after ${name}`).toString('base64')
}
