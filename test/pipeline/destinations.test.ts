import { describe, expect, it } from 'vitest'
import { destinationNames } from '../../pipeline/destinations.ts'
import { definePipeline, type PipelinePlan } from '../../pipeline/plan.ts'

const search = { kind: 'elasticsearch', endpoint: 'https://search.example.com' }
const redshift = {
  kind: 'redshift',
  jdbcUrl: 'jdbc:redshift://orders.example.com:5439/dev',
  table: 'orders',
  username: 'loader',
  password: 'hunter2'
}
const splunk = { kind: 'splunk', endpoint: 'https://hec.example.com:8088', token: 'hunter2' }

const resolve = (...destinations: unknown[]) =>
  definePipeline({ name: 'o', destinations } as unknown as PipelinePlan).destinations

describe('destinations of a plan', () => {
  it('have names, buckets and the defaults of their kinds', () => {
    const resolved = resolve(
      { kind: 's3' },
      search,
      { kind: 'opensearch', domainArn: 'arn:d' },
      redshift,
      splunk
    )
    const objects = { prefix: '', roleArn: 'arn:aws:iam::000000000000:role/firehose', framing: 'ndjson' }
    const hints = {
      bufferSizeMiB: 5,
      bufferIntervalSeconds: 60,
      deliver: 'plaintext',
      packing: false,
      recordIdField: undefined
    }
    expect(resolved).toEqual([
      {
        kind: 's3',
        deliveryStreamName: 'o-s3',
        bucket: 'o-delivered',
        compression: 'UNCOMPRESSED',
        ...objects,
        ...hints,
        prefix: 'records/'
      },
      {
        ...search,
        deliveryStreamName: 'o-elasticsearch',
        bucket: 'o-elasticsearch',
        domainArn: undefined,
        indexName: 'o',
        indexRotation: 'OneDay',
        retrySeconds: 300,
        ...objects,
        ...hints
      },
      {
        kind: 'opensearch',
        deliveryStreamName: 'o-opensearch',
        bucket: 'o-opensearch',
        endpoint: undefined,
        domainArn: 'arn:d',
        indexName: 'o',
        indexRotation: 'OneDay',
        retrySeconds: 300,
        ...objects,
        ...hints
      },
      {
        ...redshift,
        deliveryStreamName: 'o-redshift',
        bucket: 'o-redshift',
        columns: [],
        compression: 'UNCOMPRESSED',
        copyOptions: "JSON 'auto'",
        password: expect.anything(),
        retrySeconds: 3_600,
        ...objects,
        ...hints
      },
      {
        ...splunk,
        deliveryStreamName: 'o-splunk',
        bucket: 'o-splunk',
        endpointType: 'Raw',
        token: expect.anything(),
        ackTimeoutSeconds: 180,
        retrySeconds: 300,
        ...objects,
        ...hints
      }
    ])
    expect(JSON.stringify(resolved)).not.toContain('hunter2')
    // What is resolved already means the same again.
    expect(resolve(...resolved)).toEqual(resolved)
  })

  it.each([
    ['s3', { kind: 's3' }, 128, 900],
    ['elasticsearch', search, 100, 900],
    ['opensearch', { ...search, kind: 'opensearch' }, 100, 900],
    ['redshift', redshift, 128, 900],
    ['splunk', splunk, 5, 60]
  ])('%s takes buffering hints within its limits', (_, destination, mebibytes, seconds) => {
    const largest = { ...destination, bufferSizeMiB: mebibytes, bufferIntervalSeconds: seconds }
    expect(resolve(largest)).toMatchObject([{ bufferSizeMiB: mebibytes, bufferIntervalSeconds: seconds }])
    expect(resolve({ ...destination, bufferSizeMiB: 1, bufferIntervalSeconds: 0 })).toHaveLength(1)
    expect(() => resolve({ ...destination, bufferSizeMiB: mebibytes + 1 })).toThrow(
      `option destinations[0].bufferSizeMiB: expected an integer from 1 to ${mebibytes}`
    )
    expect(() => resolve({ ...destination, bufferIntervalSeconds: seconds + 1 })).toThrow(
      `option destinations[0].bufferIntervalSeconds: expected an integer from 0 to ${seconds}`
    )
  })

  it.each([
    [search, ['ndjson']],
    [redshift, ['ndjson', 'lines']],
    [splunk, ['ndjson', 'lines']],
    [{ kind: 's3' }, ['ndjson', 'lines', 'none']]
  ])('%j takes only framings that keep its records apart', (destination, accepted) => {
    for (const framing of ['ndjson', 'lines', 'none']) {
      const framed = { copyOptions: 'CSV', framing }
      const given = { ...destination, ...(destination.kind === 'redshift' ? framed : { framing }) }
      if (accepted.includes(framing)) expect(resolve(given)).toMatchObject([{ framing }])
      else {
        expect(() => resolve(given)).toThrow(
          `option destinations[0].framing: '${framing}' does not go with kind '${destination.kind}'`
        )
      }
    }
  })

  it('loads compressed objects with GZIP', () => {
    expect(resolve({ ...redshift, compression: 'GZIP' })).toMatchObject([{ copyOptions: "JSON 'auto' GZIP" }])
    const csv = { ...redshift, compression: 'GZIP', copyOptions: 'csv gzip', columns: ['id', 'v'] }
    expect(resolve(csv)).toMatchObject([{ copyOptions: 'csv gzip', columns: ['id', 'v'] }])
  })

  it.each([
    [{ kind: 's3' }, 'option destinations: expected a list of 1 to 16 destinations'],
    [[], 'option destinations: expected a list of 1 to 16 destinations'],
    [Array.from({ length: 17 }, () => ({ kind: 's3' })), 'option destinations: expected a list of 1 to 16'],
    [['s3'], 'option destinations[0]: expected an object'],
    [[{}], "option destinations[0].kind: expected 's3' or 'elasticsearch' or 'opensearch'"],
    [[{ kind: 'http' }], "option destinations[0].kind: expected 's3'"],
    [[{ kind: 's3', prefix: 1 }], 'option destinations[0].prefix: expected a string, found number'],
    [[{ kind: 's3', indexName: 'i' }], 'option destinations[0].indexName: unknown; known are kind'],
    [
      [{ kind: 's3', deliveryStreamName: 'a b' }],
      'option destinations[0].deliveryStreamName: expected 1 to 64'
    ],
    [
      [{ kind: 's3' }, { kind: 's3' }],
      "option destinations[1].deliveryStreamName: 'o-s3' is that of destinations[0]"
    ],
    [
      [splunk, { ...search, deliveryStreamName: 'o-splunk' }],
      "option destinations[1].deliveryStreamName: 'o-splunk' is that of destinations[0]"
    ],
    [[{ kind: 'elasticsearch' }], 'option destinations[0].endpoint: expected exactly one of endpoint and'],
    [
      [{ ...search, domainArn: 'arn:d' }],
      'option destinations[0].endpoint: expected exactly one of endpoint and domainArn'
    ],
    [[{ ...search, endpoint: 'search.example.com' }], 'option destinations[0].endpoint: expected an address'],
    [
      [{ ...search, endpoint: 'ftp://search' }],
      'option destinations[0].endpoint: expected an address of https'
    ],
    [
      [{ ...search, indexName: 'i'.repeat(81) }],
      'option destinations[0].indexName: expected 1 to 80 characters'
    ],
    [[{ ...search, indexRotation: 'daily' }], "option destinations[0].indexRotation: expected 'NoRotation'"],
    [
      [{ ...search, retrySeconds: 7_201 }],
      'option destinations[0].retrySeconds: expected an integer from 0 to'
    ],
    [[{ ...search, compression: 'GZIP' }], 'option destinations[0].compression: unknown'],
    [
      [{ kind: 's3' }, { ...redshift, prefix: '!{timestamp:yyyy}/' }],
      'option destinations[1].prefix: cannot hold'
    ],
    [
      [{ ...redshift, jdbcUrl: 'jdbc:mysql://h/d' }],
      "option destinations[0].jdbcUrl: expected 'jdbc:redshift://"
    ],
    [[{ ...redshift, columns: 'id,v' }], 'option destinations[0].columns: expected a list of names'],
    [[{ ...redshift, columns: ['id,v'] }], 'option destinations[0].columns[0]: expected one name'],
    [[{ ...redshift, framing: 'lines' }], 'option destinations[0].copyOptions: is missing'],
    [[{ ...redshift, copyOptions: 'CSV GZIP' }], 'option destinations[0].copyOptions: expected no GZIP'],
    [
      [{ ...redshift, copyOptions: 'CSV', compression: 'GZIP' }],
      'option destinations[0].copyOptions: expected GZIP'
    ],
    [[{ ...redshift, table: '' }], 'option destinations[0].table: expected a string that is not empty'],
    [[{ ...splunk, endpointType: 'raw' }], "option destinations[0].endpointType: expected 'Raw' or 'Event'"],
    [
      [{ ...splunk, endpointType: 'Event', framing: 'lines' }],
      "option destinations[0].framing: 'lines' does not go with endpointType 'Event'"
    ],
    [
      [{ ...splunk, ackTimeoutSeconds: 179 }],
      'option destinations[0].ackTimeoutSeconds: expected an integer'
    ],
    [
      [{ kind: 's3', deliver: 'sealed' }],
      "option destinations[0].deliver: expected 'plaintext' or 'ciphertext'"
    ],
    [
      [{ ...search, deliver: 'ciphertext' }],
      "option destinations[0].deliver: 'ciphertext' is no JSON, as elasticsearch needs it"
    ],
    [
      [splunk, { kind: 's3', deliver: 'ciphertext' }],
      "option destinations[1].deliver: 'ciphertext' does not go with 'plaintext' of destinations[0]"
    ],
    [
      [{ kind: 's3', deliver: 'ciphertext', framing: 'ndjson' }],
      "option destinations[0].framing: is 'lines' with deliver 'ciphertext'"
    ],
    [[{ ...redshift, deliver: 'ciphertext' }], 'option destinations[0].copyOptions: is missing'],
    [
      [{ ...splunk, deliver: 'ciphertext', endpointType: 'Event' }],
      "option destinations[0].framing: 'lines' does not go with endpointType 'Event'"
    ],
    [[{ ...search, packing: true }], "option destinations[0].packing: does not go with kind 'elasticsearch'"],
    [[{ kind: 's3', packing: 1 }], 'option destinations[0].packing: expected true, false or its bounds'],
    [[{ kind: 's3', packing: { most: 1 } }], 'option destinations[0].packing.most: unknown'],
    [
      [{ kind: 's3', packing: { maxPackRecords: 0 } }],
      'option destinations[0].packing.maxPackRecords: expected an integer from 1 to 100000'
    ],
    [
      [{ kind: 's3', recordIdField: '' }],
      'option destinations[0].recordIdField: expected a string that is not'
    ],
    [
      [{ kind: 's3', recordIdField: 'id', framing: 'lines' }],
      "option destinations[0].recordIdField: needs framing 'ndjson'"
    ],
    [
      [{ kind: 's3', recordIdField: 'id', deliver: 'ciphertext' }],
      "option destinations[0].recordIdField: needs framing 'ndjson', and deliver 'plaintext'"
    ]
  ])('refuses %j and names the member', (destinations, message) => {
    const plan = { name: 'o', destinations } as unknown as PipelinePlan
    expect(() => definePipeline(plan)).toThrow(message)
  })

  it.each([
    [{ ...splunk, token: { env: 'T', value: 'hunter2' } }, 'token'],
    [{ ...redshift, password: ['hunter2'] }, 'password'],
    [{ ...redshift, jdbcUrl: 'jdbc:redshift://u:hunter2@h/d' }, 'jdbcUrl'],
    [{ ...redshift, jdbcUrl: 'jdbc:redshift://h/d?password=hunter2' }, 'jdbcUrl'],
    [{ ...search, endpoint: 'https://u:hunter2@h' }, 'endpoint'],
    [{ ...splunk, endpoint: 'hunter2' }, 'endpoint']
  ])('does not quote the secret of %j', (destination, member) => {
    expect(() => resolve(destination)).toThrow(
      expect.objectContaining({
        option: `destinations[0].${member}`,
        message: expect.not.stringContaining('hunter2')
      })
    )
  })

  it('are called by their kinds, or by their delivery streams where a kind comes twice', () => {
    const archive = { kind: 's3', deliveryStreamName: 'archive' }
    expect(destinationNames(resolve({ kind: 's3' }, archive, search))).toEqual([
      'o-s3',
      'archive',
      'elasticsearch'
    ])
  })

  it('cap the records of the producer at what the strictest takes', () => {
    const most = (...destinations: unknown[]) =>
      definePipeline({ name: 'o', destinations } as unknown as PipelinePlan).producer.maxRecordBytes
    const glued = { kind: 's3', framing: 'none' }
    expect(most(glued)).toBe(1_024_000)
    expect(most(glued, splunk)).toBe(1_023_999)
    // A member "i", its colon and comma, and an id of 395 bytes between quotes and slashes.
    expect(most({ kind: 's3', recordIdField: 'i' }, splunk)).toBe(1_024_000 - 1 - 3 - 402)
    const sealed = most({ kind: 's3', deliver: 'ciphertext' })
    const lineBytes = (bytes: number) => Buffer.alloc(bytes).toString('base64').length + 1
    expect(lineBytes(sealed)).toBeLessThanOrEqual(1_024_000)
    expect(lineBytes(sealed + 1)).toBeGreaterThan(1_024_000)
  })

  it('are sealed bytes only where there is a seal', () => {
    expect(() =>
      definePipeline({
        name: 'o',
        sealing: { mode: 'off' },
        destinations: [{ kind: 's3', deliver: 'ciphertext' }]
      })
    ).toThrow("option destinations[0].deliver: 'ciphertext' needs sealing.mode other than 'off'")
  })

  it('stay what they are when a resolved plan is resolved again', () => {
    const resolved = resolve(
      { kind: 's3', deliver: 'ciphertext', packing: true },
      { ...splunk, deliver: 'ciphertext', packing: { maxPackBytes: 5_000 } }
    )
    expect(resolved).toMatchObject([
      { framing: 'lines', packing: { maxPackBytes: 256_000, maxPackRecords: 500 } },
      { framing: 'lines', packing: { maxPackBytes: 5_000, maxPackRecords: 500 } }
    ])
    expect(resolve(...resolved)).toEqual(resolved)
    const plain = resolve(search, { kind: 's3', recordIdField: 'id' })
    expect(resolve(...plain)).toEqual(plain)
  })
})
