import { describe, expect, it } from 'vitest'
import { InvalidOptionError } from '../../../core/errors.ts'
import { type FaultRule, parseFaultRules } from '../../../local/faults/fault-rule.ts'

const rule = (members: object): unknown => ({ service: 'kinesis', kind: 'throttle', ...members })

describe('rules of faults out of JSON', () => {
  it('come back as they were given', () => {
    const rules: readonly FaultRule[] = [
      {
        service: 'kinesis',
        kind: 'throttle',
        operation: 'PutRecords',
        key: 'orders',
        times: 1,
        afterRequests: 0
      },
      {
        service: 'sqs',
        kind: 'partial-failure',
        entries: [0, 9],
        entryProbability: 0.5,
        errorCode: 'InternalError'
      },
      { service: 's3', kind: 'delay', delayMs: 3_600_000, probability: 0 },
      { service: 'firehose', kind: 'wrong-answer', answer: 'short' },
      { service: 'kms', kind: 'key-disabled' },
      { service: 'redshift', kind: 'copy-refused', errorCode: 'ReadOnlyCluster', operation: 'COPY' }
    ]
    expect(parseFaultRules(JSON.parse(JSON.stringify(rules)))).toEqual(rules)
  })

  it.each([
    ['faults', {}],
    ['faults', Array.from({ length: 1_001 }, () => rule({}))],
    ['faults[0]', [null]],
    ['faults[0]', [[]]],
    ['faults[0]', [rule({ probabilty: 1 })]],
    ['faults[0].service', [{ kind: 'throttle' }]],
    ['faults[0].kind', [{ service: 's3' }]],
    ['faults[1].service', [rule({}), rule({ service: 'ec2' })]],
    ['faults[0].kind', [rule({ kind: 'toString' })]],
    ['faults[0].operation', [rule({ operation: '' })]],
    ['faults[0].key', [rule({ key: 1 })]],
    ['faults[0].times', [rule({ times: 0 })]],
    ['faults[0].times', [rule({ times: 1.5 })]],
    ['faults[0].probability', [rule({ probability: 1.1 })]],
    ['faults[0].probability', [rule({ probability: -0.1 })]],
    ['faults[0].afterRequests', [rule({ afterRequests: -1 })]],
    ['faults[0].delayMs', [rule({ kind: 'delay' })]],
    ['faults[0].delayMs', [rule({ kind: 'delay', delayMs: 3_600_001 })]],
    ['faults[0].entries', [rule({ kind: 'partial-failure', entries: [-1] })]],
    ['faults[0].entries', [rule({ entries: [1] })]],
    ['faults[0].errorCode', [rule({ errorCode: 'InternalFailure' })]],
    ['faults[0].errorCode', [rule({ kind: 'partial-failure', errorCode: 'SlowDown' })]],
    ['faults[0].operation', [rule({ kind: 'partial-failure', operation: 'PutRecord' })]],
    ['faults[0].operation', [rule({ kind: 'wrong-answer', answer: 'short', operation: 'GetRecords' })]],
    ['faults[0].kind', [{ service: 'kms', kind: 'partial-failure' }]],
    ['faults[0].kind', [{ service: 's3', kind: 'wrong-answer', answer: 'short' }]],
    ['faults[0].answer', [{ service: 'dynamodb', kind: 'wrong-answer', answer: 'short' }]],
    ['faults[0].answer', [rule({ answer: 'html' })]],
    ['faults[0].answer', [rule({ kind: 'wrong-answer', answer: 'pdf' })]],
    ['faults[0].kind', [rule({ kind: 'key-disabled' })]],
    ['faults[0].kind', [rule({ kind: 'copy-refused', errorCode: 'DiskFull' })]],
    ['faults[0].errorCode', [{ service: 'redshift', kind: 'copy-refused' }]],
    ['faults[0].errorCode', [{ service: 'redshift', kind: 'copy-refused', errorCode: 'InternalFailure' }]],
    ['faults[0].errorCode', [{ service: 'redshift', kind: 'throttle', errorCode: 'DiskFull' }]],
    [
      'faults[0].entries',
      [{ service: 'redshift', kind: 'copy-refused', errorCode: 'DiskFull', entries: [1] }]
    ],
    ['faults[0].kind', [{ service: 'redshift', kind: 'partial-failure' }]],
    ['faults[0].kind', [{ service: 'redshift', kind: 'wrong-answer' }]]
  ])('are refused with the path %s', (option, rules) => {
    let thrown: unknown
    try {
      parseFaultRules(rules)
    } catch (error) {
      thrown = error
    }
    expect(thrown).toBeInstanceOf(InvalidOptionError)
    expect(thrown).toMatchObject({ option })
  })
})
