import { createHash } from 'node:crypto'
import type { AttributeValue } from '@aws-sdk/client-dynamodb'
import { LeaseAttribute as A } from '../leases/lease-schema.ts'
import { ownerAttributes, type Row } from './rows.ts'

/** What changes while nothing is processed: by renewals, and with the owner. */
const liveAttributes = new Set<string>([...ownerAttributes, A.leaseCounter, A.throughputKBps])

/** Their absence says something, too: that nothing is prepared any more. */
const pendingAttributes: readonly string[] = [
  A.pendingCheckpoint,
  A.pendingCheckpointSubSequenceNumber,
  A.pendingCheckpointState
]

/** Attributes that a copy of this row has to have, and those that it must not have if this row has not. */
export function attributesToCompare(source: Row): readonly string[] {
  const names = Object.keys(source).filter(name => !liveAttributes.has(name))
  return [...new Set([...names, ...pendingAttributes])].sort()
}

/** Attributes of a former copy that must not stay. What the other table knows besides, such as a hash key range, does. */
export function attributesToRemove(source: Row): readonly string[] {
  return pendingAttributes.filter(name => source[name] === undefined)
}

/** One text for all rows that say the same in these attributes, in whatever order they say it. */
export function canonicalRow(row: Row, names: readonly string[]): string {
  return JSON.stringify(
    names.flatMap(name => {
      const value = row[name]
      return value === undefined ? [] : [[name, canonicalValue(value)]]
    })
  )
}

/** Of texts in any order, in hex. */
export function digestOfRows(rows: readonly string[]): string {
  const digest = createHash('sha256')
  for (const row of [...rows].sort()) digest.update(`${row}\n`)
  return digest.digest('hex')
}

function canonicalValue(value: AttributeValue): unknown {
  const [type = '', content] = Object.entries(value as object)[0] ?? []
  switch (type) {
    case 'SS':
    case 'NS':
      return [type, [...(content as readonly string[])].sort()]
    case 'B':
      return [type, base64(content as Uint8Array)]
    case 'BS':
      return [type, (content as readonly Uint8Array[]).map(base64).sort()]
    case 'L':
      return [type, (content as readonly AttributeValue[]).map(canonicalValue)]
    case 'M': {
      const members = content as Record<string, AttributeValue>
      return [
        type,
        Object.keys(members)
          .sort()
          .map(name => [name, canonicalValue(members[name]!)])
      ]
    }
    default:
      return [type, content]
  }
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64')
}
