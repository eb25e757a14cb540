import * as dynamodb from '@aws-sdk/client-dynamodb'
import * as firehose from '@aws-sdk/client-firehose'
import * as kinesis from '@aws-sdk/client-kinesis'
import * as kms from '@aws-sdk/client-kms'
import * as sqs from '@aws-sdk/client-sqs'
import { NormalizedSchema } from '@smithy/core/schema'
import { describe, expect, it } from 'vitest'
import { tableTypes } from '../../local/dynamodb/wire-types.ts'
import { firehoseTypes } from '../../local/firehose/wire-types.ts'
import { kinesisTypes } from '../../local/kinesis/wire-types.ts'
import { kmsTypes } from '../../local/kms/wire-types.ts'
import { sqsTypes } from '../../local/sqs/wire-types.ts'
import { checkedInput, type WireType, wireTypes } from '../../local/wire-types.ts'

type Schema = Parameters<typeof NormalizedSchema.of>[0]

/** Types of all members of the operations' inputs, as the SDK's own schemas have them; a name with two types has both. */
function modelled(client: object, operations?: readonly string[]): Map<string, Set<string>> {
  const types = new Map<string, Set<string>>()
  const visited = new Set<string>()
  const walk = (schema: NormalizedSchema): void => {
    if (schema.isListSchema() || schema.isMapSchema()) walk(schema.getValueSchema())
    if (!schema.isStructSchema() || visited.has(schema.getName(true)!)) return
    visited.add(schema.getName(true)!)
    for (const [name, member] of schema.structIterator()) {
      types.set(name, (types.get(name) ?? new Set()).add(JSON.stringify(wireTypeOf(member))))
      walk(member)
    }
  }
  for (const [name, exported] of Object.entries(client)) {
    // [9, namespace, name, traits, input, output]: an operation.
    if (!name.endsWith('$') || !Array.isArray(exported) || exported[0] !== 9) continue
    if (operations === undefined || operations.includes(name.slice(0, -1)))
      walk(NormalizedSchema.of(exported[4] as Schema))
  }
  return types
}

function wireTypeOf(schema: NormalizedSchema): WireType {
  if (schema.isStructSchema()) return 'structure'
  if (schema.isListSchema()) return { list: wireTypeOf(schema.getValueSchema()) }
  if (schema.isMapSchema()) return { map: wireTypeOf(schema.getValueSchema()) }
  if (schema.isBlobSchema()) return 'blob'
  if (schema.isNumericSchema() || schema.isTimestampSchema()) return 'number'
  return schema.isBooleanSchema() ? 'boolean' : 'text'
}

/** The others are checked by `dynalite`, and two of their members are called as some of these are. */
const ownOfDynamodb = [
  'CreateTable',
  'DescribeTable',
  'UpdateTable',
  'DeleteTable',
  'UpdateContinuousBackups',
  'DescribeContinuousBackups',
  'UpdateTimeToLive',
  'DescribeTimeToLive'
]

describe('wire types', () => {
  it.each([
    ['DynamoDB', tableTypes, dynamodb, ownOfDynamodb],
    ['Kinesis', kinesisTypes, kinesis],
    ['KMS', kmsTypes, kms],
    ['SQS', sqsTypes, sqs],
    ['Firehose', firehoseTypes, firehose]
  ] as const)(
    'of %s are those of the service, for every member that is checked',
    (_, table, client, operations?: readonly string[]) => {
      const types = modelled(client, operations)
      const wrong = [...table].filter(([name, type]) => {
        const known = types.get(name)
        return known === undefined || !known.has(JSON.stringify(type)) || known.size > 1
      })
      expect(wrong).toEqual([])
    }
  )

  const types = wireTypes(
    { text: 'Name', number: 'Count', boolean: 'On', blob: 'Data', structure: 'Inner' },
    { Names: { list: 'text' }, Inners: { list: 'structure' }, Tags: { map: 'text' } }
  )

  it.each([
    [{ Name: 1 }, 'NUMBER_VALUE cannot be converted to String'],
    [{ Name: true }, 'TRUE_VALUE cannot be converted to String'],
    [{ Name: ['secret'] }, 'Start of list found where not expected'],
    [{ Count: 'secret' }, 'STRING_VALUE cannot be converted to Number'],
    [{ On: 'secret' }, 'STRING_VALUE cannot be converted to Boolean'],
    [{ Data: { secret: 1 } }, 'Start of structure or map found where not expected.'],
    [{ Names: ['a', null] }, 'NULL_VALUE cannot be converted to String'],
    [{ Tags: { a: 1 } }, 'NUMBER_VALUE cannot be converted to String'],
    [{ Inner: { Inners: [{ Count: [] }] } }, 'Start of list found where not expected']
  ])('refuse %j with a SerializationException that tells no value', (input, message) => {
    expect(() => checkedInput(input, types)).toThrow(
      expect.objectContaining({ type: 'SerializationException', message })
    )
  })

  it('take members that are null for absent ones, on every level', () => {
    expect(checkedInput({ Name: null, Inners: [{ Count: 1, On: null }], Other: null }, types)).toEqual({
      Inners: [{ Count: 1 }]
    })
  })

  it('leave members alone that they do not know, also those that an object has by itself', () => {
    const input = JSON.parse('{"Other": [1], "constructor": 2, "__proto__": {"Name": 3}, "Name": null}')
    const checked = checkedInput(input as Record<string, unknown>, types)
    expect(Object.entries(checked)).toEqual([
      ['Other', [1]],
      ['constructor', 2],
      ['__proto__', { Name: 3 }]
    ])
    expect(Object.getPrototypeOf(checked)).toBe(Object.prototype)
  })

  it('end at a depth that no input needs', () => {
    let input: Record<string, unknown> = {}
    for (let level = 0; level < 10_000; level += 1) input = { Inner: input }
    expect(() => checkedInput(input, types)).toThrow(
      expect.objectContaining({ type: 'SerializationException' })
    )
  })
})
