// A Firehose transformation of a full event: 3 MB of data, in a function that has 96 MB for its heap.
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { rawAesKeyring } from 'sealstream/crypto'
import { AggregatedRecordBuilder } from 'sealstream/producer'

/** The largest buffer that Firehose fills for a function. */
const eventBytes = 3 * 1_048_576
const heapMiB = 96
const recordBytes = 300
/** What a producer fills by default. */
const aggregateBytes = 51_200
const streamName = 'orders'
const baseline = 'not sealed'

/** @returns {Promise<import('./measure.js').Bench>} */
export async function prepare() {
  const key = randomBytes(32)
  const keyring = rawAesKeyring({ namespace: 'bench', name: 'key-1', key })
  const sealer = keyring.createSealer({ streamName })
  const seal = async (/** @type {Uint8Array} */ data) => sealer.seal(data)
  const makers = [
    {
      name: baseline,
      make: async (/** @type {number} */ index) => ({ data: recordOf(index), userRecords: 1 })
    },
    {
      name: "sealed, mode 'record'",
      make: async (/** @type {number} */ index) => ({ data: await seal(recordOf(index)), userRecords: 1 })
    },
    {
      name: "sealed, mode 'aggregate'",
      make: async () => {
        const aggregate = aggregateOf()
        return { data: await seal(aggregate.encode()), userRecords: aggregate.count }
      }
    }
  ]
  const functions = []
  for (const { name, make } of makers) {
    const { text, records, userRecords } = await eventOf(make)
    const isSealed = name !== baseline
    functions.push({
      name,
      records,
      userRecords,
      process: await start({ text, records, key: isSealed ? key.toString('hex') : undefined })
    })
  }
  sealer.close()
  return {
    notes: [
      `an event of ${eventBytes} bytes of data, user records of ${recordBytes} bytes, each function in a process of its own with --max-old-space-size=${heapMiB}`,
      'parsing the event and writing the response are counted, as the runtime of Lambda does both',
      ...functions.map(
        ({ name, records, userRecords }) =>
          `${name}: ${records} records of Firehose, ${userRecords} user records`
      )
    ],
    groups: [
      {
        name: 'transform',
        unit: 'events',
        baseline,
        cases: functions.map(({ name, process: { run } }) => ({ name, run }))
      }
    ],
    rowOf: (_, { cases }) =>
      cases.map(({ name, opsPerSecond }) => {
        const { records, userRecords, process } = /** @type {typeof functions[number]} */ (
          functions.find(each => each.name === name)
        )
        const { peakRssBytes = 0, peakHeapBytes = 0 } = process.last() ?? {}
        return {
          case: name,
          records,
          userRecords,
          msPerEvent: Number((1_000 / opsPerSecond.median).toFixed(1)),
          peakRssMiB: Math.round(peakRssBytes / 2 ** 20),
          peakHeapMiB: Math.round(peakHeapBytes / 2 ** 20)
        }
      }),
    summary(measured) {
      for (const { name, process } of functions) {
        const { peakRssBytes = 0, peakHeapBytes = 0 } = process.last() ?? {}
        const [rss, heap] = [peakRssBytes, peakHeapBytes].map(bytes => Math.round(bytes / 2 ** 20))
        const found = measured[0]?.result.cases.find(each => each.name === name)
        const ms = (1_000 / (found?.opsPerSecond.median ?? 0)).toFixed(1)
        console.log(
          `    ${name}: ${ms} ms an event, at most ${rss} MiB resident, ${heap} MiB heap and buffers`
        )
      }
      return {}
    },
    async finish() {
      for (const { process } of functions) await process.close()
    }
  }
}

/** @param {(index: number) => Promise<{ readonly data: Uint8Array, readonly userRecords: number }>} make */
async function eventOf(make) {
  const records = []
  let userRecords = 0
  for (let left = eventBytes; ; ) {
    const made = await make(records.length)
    left -= made.data.length
    if (left < 0) break
    userRecords += made.userRecords
    const sequenceNumber = String(records.length).padStart(56, '4')
    records.push({
      recordId: sequenceNumber,
      approximateArrivalTimestamp: 1_545_084_650_987,
      data: Buffer.from(made.data).toString('base64'),
      kinesisRecordMetadata: {
        sequenceNumber,
        subsequenceNumber: '',
        partitionKey: 'customer-1',
        shardId: 'shardId-000000000000',
        approximateArrivalTimestamp: 1_545_084_650_987
      }
    })
  }
  const text = JSON.stringify({
    invocationId: 'bench',
    deliveryStreamArn: 'arn:aws:firehose:eu-west-1:111122223333:deliverystream/bench',
    sourceKinesisStreamArn: `arn:aws:kinesis:eu-west-1:111122223333:stream/${streamName}`,
    region: 'eu-west-1',
    records
  })
  return { text, records: records.length, userRecords }
}

function aggregateOf() {
  const builder = new AggregatedRecordBuilder()
  for (let index = 0; builder.size + recordBytes + 64 < aggregateBytes; index += 1) {
    builder.add(`customer-${index}`, undefined, recordOf(index))
  }
  return builder
}

/** @param {number} index */
function recordOf(index) {
  const start = `{"order":"order-${String(index).padStart(8, '0')}","amount":${index},"text":"`
  return Buffer.from(`${start}${'x'.repeat(recordBytes - start.length - 2)}"}`)
}

/** @param {import('./transform-process.js').TransformWork} work */
async function start(work) {
  const child = fork(new URL('transform-process.js', import.meta.url), {
    execArgv: [...process.execArgv, `--max-old-space-size=${heapMiB}`]
  })
  const exited = once(child, 'exit')
  /** @type {import('./transform-process.js').TransformSample | undefined} */
  let last
  const answer = async () => {
    const [message] = await Promise.race([
      once(child, 'message'),
      exited.then(([code]) => {
        throw new Error(`the process of a function ended with ${code}`)
      })
    ])
    return message
  }
  child.send(work)
  await answer()
  return {
    last: () => last,
    async run(/** @type {number} */ iterations) {
      child.send(iterations)
      last = await answer()
    },
    async close() {
      child.disconnect()
      await exited
    }
  }
}
