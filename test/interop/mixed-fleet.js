// Workers of the Java KCL and of this package on one lease table: kills on both sides, a worker of each kind that replaces
// one of the other, a split and a merge, while records are put.
// Usage: node mixed-fleet.js CLASSPATH [SCRIPT] [off]
// SCRIPT: kcl2; kcl3-theirs and kcl3-ours, where a leader of either kind assigns the leases; kcl3-migration, of a fleet that
// comes from KCL 2. Each record is sealed, or with `off` plain.
import { createInterface } from 'node:readline'
import { DynamoDBClient, ScanCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb'
import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { clientConfigOf } from 'sealstream'
import { Fleet, ownWorker, report } from '../fleet/fleet.js'
import { startJudge } from './judge-process.js'

/**
 * @typedef {Pick<import('../fleet/fleet.js').FleetOptions, 'durationMs' | 'workers' | 'script'> &
 *   { readonly clientVersion?: string }} Course `clientVersion`: the setting of the KCL's workers
 * @type {Readonly<Record<string, Course>>}
 */
const courses = {
  kcl2: {
    durationMs: 75_000,
    // A worker of the KCL waits long at an empty table, and hardly gets a lease from a living worker that checkpoints as often
    // as these: the first one makes the leases and leaves them to it.
    workers: ['own0', 'java1', 'java2'],
    script: [
      [6, 'stop own0'],
      [10, 'start own1'],
      [15, 'split'],
      [22, 'kill java1'],
      [24, 'start own2'],
      [34, 'kill own1'],
      [36, 'start java3'],
      [48, 'merge'],
      [56, 'stop java2'],
      [58, 'start own3'],
      [66, 'stop own2'],
      [67, 'start java4']
    ]
  },
  // A leader of the KCL that dies leaves the fleet without one for two minutes: this one goes in good order.
  'kcl3-theirs': {
    durationMs: 130_000,
    workers: ['java1'],
    script: [
      [40, 'start own1'],
      [42, 'start own2'],
      [64, 'split'],
      [70, 'kill own1'],
      [74, 'start java2'],
      [96, 'merge'],
      [100, 'start own3'],
      [112, 'stop own2'],
      [122, 'stop java1']
    ]
  },
  // Every worker takes leases for itself until the fleet is said to be ready, and again after it was told to go back. The KCL
  // looks each minute, and waits ten minutes before it says so itself: here somebody else does.
  'kcl3-migration': {
    clientVersion: 'COMPATIBLE_WITH_2X',
    durationMs: 170_000,
    workers: ['java1'],
    script: [
      [40, 'start own1'],
      [44, 'start own2'],
      [50, 'split'],
      [56, 'kill own1'],
      [58, 'start java2'],
      [70, 'to 3X_WITH_ROLLBACK'],
      [134, 'start own3'],
      [140, 'merge'],
      [150, 'kill own2'],
      [160, 'to 2X']
    ]
  },
  'kcl3-ours': {
    durationMs: 100_000,
    workers: ['own0'],
    script: [
      [4, 'start java1'],
      [5, 'start own1'],
      [30, 'split'],
      [36, 'kill java1'],
      [38, 'start java2'],
      [60, 'kill own0'],
      [62, 'start own2'],
      [78, 'merge'],
      [86, 'stop own1'],
      [92, 'start own3']
    ]
  }
}

const [, , classpath = '', script = 'kcl2', sealing = 'record'] = process.argv
const course = courses[script]
if (course === undefined) throw new Error(`no such script: ${script}`)
const failoverTimeMs = 4_000
// The KCL takes aggregates apart, and the Encryption SDK opens what it finds in them.
const mode = sealing === 'off' ? 'off' : 'record'

const fleet = await Fleet.open({
  recordCount: 50_000,
  failoverTimeMs,
  sealing: { mode },
  foreignWorkers: true,
  leaseProtocol: script === 'kcl2' ? 'kcl2' : 'kcl3',
  ...course,
  steps: { 'to 3X_WITH_ROLLBACK': migrate('3X_WITH_ROLLBACK'), 'to 2X': migrate('2X') },
  launch: worker => (worker.workerId.startsWith('java') ? kclWorker(worker) : ownWorker(worker))
})
const kms = new KMSClient(clientConfigOf(fleet.engine, 'kms'))

/**
 * Tells the fleet by whose rules it works, as the KCL's migration tool does.
 * @param {string} version
 * @returns {(fleet: Fleet) => Promise<void>}
 */
function migrate(version) {
  return async ({ engine, pipeline }) => {
    const dynamodb = new DynamoDBClient(clientConfigOf(engine, 'dynamodb'))
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: pipeline.plan.consumer.applicationName,
        Key: { leaseKey: { S: 'Migration3.0' } },
        ConditionExpression: 'attribute_exists(cv)',
        UpdateExpression: 'SET cv = :version, mts = :now',
        ExpressionAttributeValues: {
          ':version': { S: `CLIENT_VERSION_${version}` },
          ':now': { N: String(Date.now()) }
        }
      })
    )
    dynamodb.destroy()
  }
}

/** Rows beside the leases: in the lease table, as KCL 3.5 has them, and in the tables of 3.0 to 3.4. */
async function countFleetRows() {
  const dynamodb = new DynamoDBClient(clientConfigOf(fleet.engine, 'dynamodb'))
  const { applicationName } = fleet.pipeline.plan.consumer
  /** @param {string} TableName */
  const rowsOf = async TableName => {
    try {
      return (await dynamodb.send(new ScanCommand({ TableName, ConsistentRead: true }))).Items ?? []
    } catch (error) {
      if (/** @type {Error} */ (error).name === 'ResourceNotFoundException') return []
      throw error
    }
  }
  const [leases, state, metrics] = await Promise.all(
    ['', '-CoordinatorState', '-WorkerMetricStats'].map(suffix => rowsOf(`${applicationName}${suffix}`))
  )
  dynamodb.destroy()
  return {
    inLeaseTable: (leases ?? []).filter(({ entityType }) => (entityType?.S ?? 'LEASE') !== 'LEASE').length,
    inOwnTables: (state?.length ?? 0) + (metrics?.length ?? 0)
  }
}

/**
 * A worker of the KCL.
 * @type {import('../fleet/fleet.js').Launch}
 */
function kclWorker({ workerId, log, fleet: { engine, pipeline } }) {
  const { plan } = pipeline
  const child = startJudge(classpath, 'KclWorker', {
    kinesisEndpoint: clientConfigOf(engine, 'kinesis').endpoint,
    dynamodbEndpoint: clientConfigOf(engine, 'dynamodb').endpoint,
    kmsEndpoint: clientConfigOf(engine, 'kms').endpoint,
    application: plan.consumer.applicationName,
    stream: plan.stream.name,
    worker: workerId,
    log,
    failoverMs: failoverTimeMs,
    ...(mode === 'off' ? {} : { kms: keyArn }),
    ...(course?.clientVersion === undefined ? {} : { clientVersion: course.clientVersion }),
    pipeline: plan.name
  })
  createInterface({ input: child.stdout }).on('line', line => child.emit('message', line))
  return child
}

let keyArn = ''
try {
  await fleet.pipeline.provision()
  if (mode !== 'off') {
    const { keyId } = fleet.pipeline.plan.sealing
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: keyId }))
    keyArn = KeyMetadata?.Arn ?? ''
  }
  const findings = await fleet.run()
  const byTheKcl = Object.entries(findings.firstBy)
    .filter(([workerId]) => workerId.startsWith('java'))
    .reduce((sum, [, records]) => sum + records, 0)
  // Neither kind may have stood aside.
  if (byTheKcl === 0 || byTheKcl === findings.processed) findings.faults.push('one kind of worker did it all')
  const { inLeaseTable, inOwnTables } = await countFleetRows()
  // A KCL before 3.5 cannot scan a lease table that holds anything else.
  if (inOwnTables > 0 && inLeaseTable > 0) {
    findings.faults.push(`${inLeaseTable} rows that are no leases lie in the lease table of an older KCL`)
  }
  process.exitCode = report({ ...findings, byTheKcl, inLeaseTable, inOwnTables })
} finally {
  kms.destroy()
  await fleet.close()
}
