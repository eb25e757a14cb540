import { expect, it } from 'vitest'
import { failed, ResponseBudget } from '../../lambda/response-budget.ts'

const size = (records: readonly unknown[]): number => Buffer.byteLength(JSON.stringify({ records }))

it('counts to the byte, partition keys of any script and failed records included', () => {
  const partitionKeys = { city: 'Zürich "東京"' }
  const records = [
    {
      recordId: 'a',
      result: 'Ok',
      data: Buffer.from('four').toString('base64'),
      metadata: { partitionKeys }
    },
    failed('b')
  ]
  // The budget counts a comma behind the last record, too.
  const exact = size(records) + 1
  const take = (maxBytes: number) =>
    new ResponseBudget(['a', 'b'], maxBytes).take('a', Buffer.from('four'), partitionKeys)
  expect(take(exact)).toEqual(records[0])
  expect(take(exact - 1)).toBeUndefined()
})

it('takes nothing for what does not fit', () => {
  const budget = new ResponseBudget(['a', 'b'], size([failed('a'), failed('b')]) + 1)
  expect(budget.take('a', Buffer.alloc(100), undefined)).toBeUndefined()
  expect(budget.take('b', Buffer.alloc(0), undefined)).toEqual({ recordId: 'b', result: 'Ok', data: '' })
})
