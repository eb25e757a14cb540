import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { FleetEntity } from '../leases/kcl3/fleet-rows.ts'
import type { Lease } from '../leases/lease.ts'
import { type Item, parseRow } from '../leases/lease-item.ts'
import { LeaseAttribute as A } from '../leases/lease-schema.ts'

/** A row as DynamoDB stores it: nothing of it is lost on the way. */
export type Row = Readonly<Record<string, AttributeValue>>

/**
 * What is to be done with a row when its table moves.
 *
 * - `lease`: copied, forward only.
 * - `lasting`: copied once. State of a roll-out to KCL 3, streams, and whatever is not known here: it says something of the
 *   leases or the fleet as a whole, and nobody writes it anew.
 * - `live`: left behind. The leader's lock and the metrics of workers say who is at work on *this* table: on another one
 *   they would tell of workers that are not there.
 * - `unreadable`: meant as a lease, and where it stands cannot be told. `attribute` is the one that is wrong.
 */
export type TableRow =
  | { readonly kind: 'lease'; readonly key: string; readonly row: Row; readonly lease: Lease }
  | { readonly kind: 'lasting'; readonly key: string; readonly row: Row }
  | { readonly kind: 'live'; readonly key: string; readonly row: Row }
  | { readonly kind: 'unreadable'; readonly key: string; readonly row: Row; readonly attribute: string }

const liveTypes: readonly unknown[] = [FleetEntity.lock, FleetEntity.worker]

/** Who holds a lease at the moment: of no use in another table, whose workers are others. */
export const ownerAttributes: readonly string[] = [A.leaseOwner, A.checkpointOwner]

export function readRow(row: Row): TableRow {
  const key = row[A.leaseKey]?.S ?? ''
  if (liveTypes.includes(row[A.entityType]?.S)) return { kind: 'live', key, row }
  const parsed = parseRow(plainOf(row))
  if (parsed.kind === 'lease') return { kind: 'lease', key, row, lease: parsed.lease }
  if (parsed.kind === 'corrupt') return { kind: 'unreadable', key, row, attribute: parsed.reason }
  return { kind: 'lasting', key, row }
}

/** A row of another table, without those who hold it here. */
export function withoutOwner(row: Row): Row {
  return Object.fromEntries(Object.entries(row).filter(([name]) => !ownerAttributes.includes(name)))
}

/** As far as a lease goes: what is neither text, number, bytes nor a set of texts stays as it is. */
function plainOf(row: Row): Item {
  return Object.fromEntries(
    Object.entries(row).map(([name, value]) => {
      if (value.S !== undefined) return [name, value.S]
      if (value.N !== undefined) return [name, { value: value.N }]
      if (value.B !== undefined) return [name, value.B]
      return [name, value.SS === undefined ? value : new Set(value.SS)]
    })
  )
}
