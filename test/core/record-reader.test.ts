import { randomBytes } from 'node:crypto'
import { describe, expect, it, onTestFinished } from 'vitest'
import { AggregatedRecordBuilder } from '../../core/aggregated-record.ts'
import { KeyUnavailableError } from '../../core/errors.ts'
import type { HashKeyRange } from '../../core/hash-key.ts'
import { RecordReader } from '../../core/record-reader.ts'
import { noKeyStats, type RecordOpener } from '../../core/record-transform.ts'
import { rawAesKeyring } from '../../crypto/index.ts'

const keyring = rawAesKeyring({ namespace: 'n', name: 'k', key: randomBytes(32) })

interface Setting {
  readonly opener?: RecordOpener
  readonly sealed?: boolean
  readonly acceptPlaintext?: boolean
  readonly hashKeyRange?: HashKeyRange
}

function start(options: Setting = {}) {
  const sealer = keyring.createSealer({ streamName: 's' })
  const opener = options.opener ?? keyring.createOpener({ streamName: 's' })
  onTestFinished(() => {
    sealer.close()
    opener.close()
  })
  const reader = new RecordReader({
    streamName: 's',
    shardId: 'shard',
    opener: options.sealed === false ? undefined : opener,
    acceptPlaintext: options.acceptPlaintext ?? false,
    hashKeyRange: options.hashKeyRange
  })
  const read = async (data: Uint8Array) => {
    const result = await reader.read({
      SequenceNumber: '7',
      PartitionKey: 'outer',
      Data: data,
      ApproximateArrivalTimestamp: new Date(1)
    })
    return {
      texts: result.userRecords.map(record => Buffer.from(record.data).toString()),
      subSequenceNumbers: result.userRecords.map(({ subSequenceNumber }) => subSequenceNumber),
      partitionKeys: result.userRecords.map(({ partitionKey }) => partitionKey),
      faults: result.faults.map(({ error, subSequenceNumbers }) => [error.code, subSequenceNumbers]),
      last: result.lastSubSequenceNumber,
      plaintextAccepted: result.plaintextAccepted,
      result
    }
  }
  const seal = async (data: Uint8Array | string) => sealer.seal(Buffer.from(data as string))
  return { reader, read, seal }
}

function aggregateOf(...parts: readonly (Uint8Array | string)[]): Buffer {
  const builder = new AggregatedRecordBuilder()
  parts.forEach((part, index) => {
    builder.add(`key-${index}`, index === 1 ? '5' : undefined, Buffer.from(part as string))
  })
  return builder.encode()
}

describe('what a Kinesis record holds', () => {
  it('a sealed payload', async () => {
    const { read, seal } = start()
    const { result, ...found } = await read(await seal('a'))
    expect(found).toMatchObject({
      texts: ['a'],
      subSequenceNumbers: [0],
      partitionKeys: ['outer'],
      faults: []
    })
    expect(result.userRecords[0]).toMatchObject({
      streamName: 's',
      shardId: 'shard',
      sequenceNumber: '7',
      explicitHashKey: undefined,
      approximateArrivalTimestamp: new Date(1)
    })
  })

  it('a sealed aggregate', async () => {
    const { read, seal } = start()
    const { result, ...found } = await read(await seal(aggregateOf('a', 'b', 'c')))
    expect(found).toMatchObject({
      texts: ['a', 'b', 'c'],
      subSequenceNumbers: [0, 1, 2],
      partitionKeys: ['key-0', 'key-1', 'key-2'],
      last: 2,
      plaintextAccepted: 0
    })
    expect(result.userRecords.map(({ explicitHashKey }) => explicitHashKey)).toEqual([
      undefined,
      '5',
      undefined
    ])
  })

  it('an aggregate of sealed payloads', async () => {
    const { read, seal } = start()
    const sealed = await Promise.all(['a', 'b'].map(seal))
    expect(await read(aggregateOf(...sealed))).toMatchObject({ texts: ['a', 'b'], last: 1, faults: [] })
  })

  it('plaintext and aggregates as they came, without opening', async () => {
    const { read } = start({ sealed: false })
    expect(await read(Buffer.from('a'))).toMatchObject({ texts: ['a'], partitionKeys: ['outer'] })
    expect(await read(aggregateOf('a', 'b'))).toMatchObject({ texts: ['a', 'b'], plaintextAccepted: 0 })
  })

  it('bytes that look like an aggregate and are none', async () => {
    const { read, seal } = start()
    const cut = aggregateOf('a', 'b').subarray(0, -1)
    expect(await read(await seal(cut))).toMatchObject({ subSequenceNumbers: [0], faults: [] })
    expect(await read(await seal(Buffer.alloc(0)))).toMatchObject({ texts: [''] })
  })

  it('answers at once when the data key is at hand', async () => {
    const { reader, read, seal } = start()
    await read(await seal('first'))
    const second = reader.read({ SequenceNumber: '8', PartitionKey: 'k', Data: await seal('second') })
    expect(second).not.toBeInstanceOf(Promise)
  })
})

describe('faults', () => {
  it('finds an altered message as a whole', async () => {
    const { read, seal } = start()
    const sealed = Buffer.from(await seal('a'))
    sealed[sealed.length - 1]! ^= 1
    expect(await read(sealed)).toMatchObject({
      texts: [],
      faults: [['SEALSTREAM_AUTHENTICATION_FAILED', undefined]]
    })
  })

  it('finds a message that was sealed for another stream', async () => {
    const { read } = start()
    const other = keyring.createSealer({ streamName: 'other' })
    const faults = (await read(await other.seal(Buffer.from('a')))).faults
    expect(faults).toEqual([['SEALSTREAM_CONTEXT_MISMATCH', undefined]])
    other.close()
  })

  it('finds one altered message inside of an aggregate; the others are handed on', async () => {
    const { read, seal } = start()
    const [a, b, c] = (await Promise.all(['a', 'b', 'c'].map(seal))).map(sealed => Buffer.from(sealed))
    b![b!.length - 1]! ^= 1
    expect(await read(aggregateOf(a!, b!, c!))).toMatchObject({
      texts: ['a', 'c'],
      subSequenceNumbers: [0, 2],
      faults: [['SEALSTREAM_AUTHENTICATION_FAILED', [1]]],
      last: 2
    })
  })

  it('refuses plaintext, unless it is told to accept it', async () => {
    const strict = start()
    const refused = ['SEALSTREAM_PLAINTEXT_REFUSED', undefined]
    expect((await strict.read(Buffer.from('plain'))).faults).toEqual([refused])
    expect((await strict.read(aggregateOf('a', 'b'))).faults).toEqual([refused])
    const mixed = aggregateOf(await strict.seal('sealed'), 'plain')
    expect(await strict.read(mixed)).toMatchObject({
      texts: ['sealed'],
      faults: [['SEALSTREAM_PLAINTEXT_REFUSED', [1]]]
    })
    const lenient = start({ acceptPlaintext: true })
    expect(await lenient.read(Buffer.from('plain'))).toMatchObject({ texts: ['plain'], plaintextAccepted: 1 })
    expect(await lenient.read(aggregateOf('a', 'b'))).toMatchObject({
      texts: ['a', 'b'],
      plaintextAccepted: 2
    })
    expect(await lenient.read(mixed)).toMatchObject({ texts: ['sealed', 'plain'], plaintextAccepted: 1 })
  })

  it.each([
    ['rejects', (): Promise<Uint8Array> => Promise.reject(new KeyUnavailableError('down'))],
    [
      'throws',
      (): Uint8Array => {
        throw new KeyUnavailableError('down')
      }
    ]
  ])('is not the record’s when the key cannot be had (the opener %s)', async (_, open) => {
    const opener: RecordOpener = { isSealed: data => data[0] === 2, open, keyStats: noKeyStats, close() {} }
    const { read, seal } = start({ opener })
    await expect(read(await seal('a'))).rejects.toBeInstanceOf(KeyUnavailableError)
    await expect(read(aggregateOf(await seal('a'), await seal('b')))).rejects.toBeInstanceOf(
      KeyUnavailableError
    )
  })

  it.each<[string, HashKeyRange, readonly number[]]>([
    ['the lowest', { start: 0n, end: 15n }, [1, 2, 3, 4]],
    ['a middle', { start: 16n, end: 2n ** 127n }, [0, 3]],
    ['the highest', { start: 2n ** 127n + 1n, end: 2n ** 128n - 1n }, [0, 1, 2, 4]]
  ])('tells which user records lie outside of %s range', async (_, hashKeyRange, outside) => {
    const builder = new AggregatedRecordBuilder()
    // Both ends, hash keys of fewer digits, and the MD5 of a partition key: 68b329da9893e34099c7d8ad5cb9c940.
    for (const hashKey of ['15', '0016', String(2n ** 127n), String(2n ** 127n + 1n), undefined]) {
      builder.add(hashKey === undefined ? '\n' : 'k', hashKey, Buffer.from('a'))
    }
    const { read } = start({ sealed: false, hashKeyRange })
    expect([...((await read(builder.encode())).result.outOfRange ?? [])]).toEqual(outside)
  })

  it('holds a user record where it lies when its explicit hash key is none', async () => {
    const builder = new AggregatedRecordBuilder()
    for (const hashKey of ['abc', String(2n ** 128n), '-1', '']) builder.add('k', hashKey, Buffer.from('a'))
    const { read } = start({ sealed: false, hashKeyRange: { start: 0n, end: 15n } })
    const { texts, result } = await read(builder.encode())
    expect(texts).toEqual(['a', 'a', 'a', 'a'])
    expect(result.outOfRange).toBeUndefined()
  })
})
