import { describe, expect, it } from 'vitest'
import { definePipeline, type PipelinePlan } from '../../pipeline/plan.ts'

const keyArn = (id: string): string => `arn:aws:kms:eu-west-1:111122223333:key/${id}`
const roleArn = (name: string): string => `arn:aws:iam::111122223333:role/${name}`
const network = {
  vpcId: 'vpc-1a',
  subnetIds: ['subnet-1a', 'subnet-1b'],
  securityGroupIds: ['sg-1a'],
  routeTableIds: ['rtb-1a']
}
const resolve = (plan: object) => definePipeline({ name: 'orders', ...plan } as PipelinePlan)

describe('the infrastructure of a plan', () => {
  it('is closed by default: keys of its own, locked objects, alarms, long logs, no network', () => {
    expect(resolve({})).toMatchObject({
      stream: { retentionHours: 168 },
      sealing: { keyId: 'alias/orders', tenants: [] },
      consumer: { fallBackToPolling: false },
      keys: {
        envelope: { arn: undefined, origin: 'AWS_KMS' },
        stream: { arn: undefined, origin: 'AWS_KMS' },
        sink: { arn: undefined, origin: 'AWS_KMS' },
        state: { arn: undefined, origin: 'AWS_KMS' }
      },
      roles: {
        producerName: 'orders-producer',
        consumerName: 'orders-consumer',
        replayerName: 'orders-replayer',
        operatorName: 'orders-operator',
        replayer: true,
        assumedBy: ['ecs-tasks.amazonaws.com'],
        operatedBy: [],
        deployerArn: undefined,
        custodianArn: undefined,
        analystArn: undefined,
        migrator: undefined
      },
      network: undefined,
      alarms: { topicArn: undefined, iteratorAgeMs: 900_000, freshnessSeconds: 1_800 },
      logs: { retentionDays: 365 },
      storage: {
        lockMode: 'GOVERNANCE',
        lockDays: 7,
        accessLogBucket: 'orders-access-logs',
        archive: undefined
      }
    })
  })

  it('names the key that is given once, wherever it was given', () => {
    const arn = keyArn('e')
    expect(resolve({ keys: { envelope: { arn } } }).sealing.keyId).toBe(arn)
    expect(resolve({ sealing: { keyId: arn } }).keys.envelope.arn).toBe(arn)
    expect(resolve({ sealing: { keyId: arn }, keys: { envelope: { arn } } }).keys.envelope.arn).toBe(arn)
  })

  it('gives each tenant a key: its ARN, or the alias of the one that is made', () => {
    const arn = keyArn('t')
    expect(resolve({ sealing: { tenants: { a1: 'made', b2: arn } } }).sealing.tenants).toEqual([
      { id: 'a1', keyId: 'alias/orders/tenant-a1', arn: undefined },
      { id: 'b2', keyId: arn, arn }
    ])
  })

  it('fills in what the producers and workers of a network call', () => {
    expect(resolve({ network }).network).toEqual({
      ...network,
      endpoints: ['kinesis-streams', 'kinesis-firehose', 'kms', 'sqs', 'monitoring', 's3', 'dynamodb'],
      pinToEndpoint: false
    })
  })

  it('fills in the names around a reader whose resources are made', () => {
    const [lambda, firehose] = resolve({
      stream: {
        readers: [
          {
            kind: 'lambda',
            handler: 'sealstream',
            functionArn: 'arn:aws:lambda:eu-west-1:111122223333:function:count:live',
            roleArn: roleArn('count')
          },
          {
            kind: 'firehose',
            destination: 's3',
            deliveryStreamName: 'Raw',
            transform: { functionName: 'open', qualifier: 'live' }
          }
        ]
      }
    }).stream.readers
    expect(lambda).toMatchObject({ onFailureQueue: 'orders-lambda-failures' })
    expect(firehose).toMatchObject({ bucket: 'raw', transform: { functionName: 'open', qualifier: 'live' } })
  })

  const firehose = { kind: 'firehose', destination: 's3' }
  const lambda = { kind: 'lambda', handler: 'sealstream' }
  const functionArn = 'arn:aws:lambda:eu-west-1:111122223333:function:count:live'
  it.each([
    [{ stream: { retentionHours: 23 } }, 'option stream.retentionHours: expected an integer from 24 to 8760'],
    [{ stream: { name: 'a b' } }, "option stream.name: expected 1 to 128 letters, digits, '_', '.' and '-'"],
    [{ consumer: { applicationName: 'ab' } }, 'option consumer.applicationName: expected 3 to 128 letters'],
    [
      { consumer: { fallBackToPolling: true } },
      "option consumer.fallBackToPolling: goes with consumer.retrieval 'fan-out' alone"
    ],
    [
      { destinations: [{ kind: 's3', bucket: 'Orders' }] },
      'option destinations[0].bucket: expected the name'
    ],
    [{ destinations: [{ kind: 's3', bucket: '10.0.0.1' }] }, 'option destinations[0].bucket: expected'],
    [{ destinations: [{ kind: 's3', bucket: 'a..b' }] }, 'option destinations[0].bucket: expected'],
    [
      { deadLetters: { bucket: 'orders-s3alias' } },
      'option deadLetters.bucket: expected the name of a bucket'
    ],
    [
      { keys: { wrapping: 'made' } },
      'option keys.wrapping: unknown; known are envelope, stream, sink, state, services'
    ],
    [{ keys: { stream: 'given' } }, "option keys.stream: expected 'made', or { arn } of a key"],
    [{ keys: { stream: { arn: 'alias/a' } } }, 'option keys.stream.arn: expected an ARN of kms'],
    [{ keys: { stream: { arn: 'arn:aws:kms:eu-west-1:111122223333:alias/a' } } }, 'expected an ARN of kms'],
    [
      { keys: { state: { origin: 'AWS_CLOUDHSM' } } },
      "option keys.state.arn: is missing: CloudFormation makes no key of origin 'AWS_CLOUDHSM'"
    ],
    [
      { keys: { sink: { arn: keyArn('a') }, state: { arn: keyArn('a') } } },
      'option keys.state: is the key of keys.sink: expected one of its own'
    ],
    [
      { sealing: { keyId: keyArn('a') }, keys: { envelope: { arn: keyArn('b') } } },
      'option sealing.keyId: is another key than keys.envelope'
    ],
    [
      { sealing: { keyId: keyArn('a') }, keys: { envelope: 'made' } },
      "option keys.envelope: is 'made', but sealing.keyId names a key that is there"
    ],
    [
      { sealing: { additionalKeys: ['alias/a'] } },
      'option sealing.additionalKeys[0]: expected an ARN of kms'
    ],
    [
      { sealing: { additionalKeys: [keyArn('a'), keyArn('a')] } },
      'option sealing.additionalKeys[1]: is another key of the plan'
    ],
    [
      { sealing: { additionalKeys: [keyArn('a')] }, keys: { sink: { arn: keyArn('a') } } },
      'option sealing.additionalKeys[0]: is another key of the plan'
    ],
    [
      { sealing: { additionalKeys: ['a', 'b', 'c', 'd', 'e'].map(keyArn) } },
      'option sealing.additionalKeys: expected a list of at most 4'
    ],
    [
      { sealing: { additionalKeys: [keyArn('a')], tenants: { a: 'made' } } },
      'option sealing.additionalKeys: does not go with sealing.tenants'
    ],
    [{ sealing: { tenants: { 'a b': 'made' } } }, 'option sealing.tenants: expected ids of 1 to 40 letters'],
    [{ sealing: { tenants: { a: 'alias/a' } } }, 'option sealing.tenants.a: expected an ARN of kms'],
    [
      { sealing: { tenants: { a: keyArn('a'), b: keyArn('a') } } },
      'option sealing.tenants: names a key twice'
    ],
    [
      { sealing: { tenants: { a: 'made' }, mode: 'off' } },
      'option sealing.tenants: needs sealing.mode other'
    ],
    [
      { sealing: { tenants: { a: 'made' }, keyId: 'alias/a' } },
      'option sealing.keyId: does not go with sealing.tenants'
    ],
    [
      { sealing: { tenants: { a: 'made' } }, keys: { envelope: 'made' } },
      'option keys.envelope: does not go with sealing.tenants'
    ],
    [
      {
        sealing: {
          tenants: Object.fromEntries(Array.from({ length: 101 }, (_, index) => [`t${index}`, 'made']))
        }
      },
      'option sealing.tenants: expected at most 100 tenants, found 101'
    ],
    [{ sealing: { context: { tenant: 'a' } } }, 'option sealing.context.tenant: is set by the pipeline'],
    [{ roles: { producerName: 'a b' } }, 'option roles.producerName: expected 1 to 64 letters'],
    [{ roles: { producerName: 'orders-consumer' } }, 'option roles.consumerName: is that of another role'],
    [{ roles: { analystArn: 'analyst' } }, 'option roles.analystArn: expected an ARN of iam'],
    [
      { roles: { migrator: { roleArn: 'mover', fromTable: 'former' } } },
      'option roles.migrator.roleArn: expected an ARN of iam'
    ],
    [
      { roles: { migrator: { roleArn: 'arn:aws:iam::111122223333:role/mover', fromTable: 'a' } } },
      'option roles.migrator.fromTable: expected 3 to 128 letters'
    ],
    [{ roles: { migrator: { from: 'former' } } as object }, 'option roles.migrator.from: unknown'],
    [{ roles: { assumedBy: ['*'] } }, 'option roles.assumedBy[0]: expected an ARN of iam'],
    [{ roles: { assumedBy: [] } }, 'option roles.assumedBy: expected a list'],
    [{ roles: { custodianArn: roleArn('custodian') } }, 'option roles.custodianArn: needs roles.deployerArn'],
    [{ network: { pinToEndpoint: true } }, 'option network.vpcId: is missing: endpoints and their pins'],
    [
      { network: { ...network, subnetIds: ['subnet-1a'] } },
      'option network.subnetIds: expected two at least'
    ],
    [{ network: { ...network, routeTableIds: [] } }, 'option network.routeTableIds: expected one at least'],
    [{ network: { ...network, securityGroupIds: [] } }, 'option network.securityGroupIds: expected those'],
    [{ network: { ...network, endpoints: ['ec2'] } }, 'option network.endpoints[0]: expected'],
    [
      { network: { ...network, endpoints: ['kms'], pinToEndpoint: true } },
      "option network.pinToEndpoint: needs the endpoint 'kinesis-streams'"
    ],
    [{ alarms: { topicArn: 'topic' } }, 'option alarms.topicArn: expected an ARN of sns'],
    [{ logs: { retentionDays: 2 } }, 'option logs.retentionDays: expected one of 1, 3, 5'],
    [{ storage: { accessLogBucket: 'A' } }, 'option storage.accessLogBucket: expected the name of a bucket'],
    [{ storage: { lockMode: 'off', lockDays: 1 } }, 'option storage.lockDays: does not go with'],
    [{ storage: { archive: { afterDays: 0 } } }, 'option storage.archive.afterDays: expected'],
    [
      { storage: { archive: { afterDays: 30, storageClass: 'GLACIAL' } } },
      'option storage.archive.storageClass: expected'
    ],
    [
      { stream: { readers: [{ kind: 'kcl', roleArn: 'r' }] } },
      'option stream.readers[0].roleArn: expected an'
    ],
    [
      { stream: { readers: [{ ...lambda, functionArn }] } },
      'option stream.readers[0].roleArn: is missing: the keys name the role'
    ],
    [
      { stream: { readers: [{ ...lambda, onFailureQueue: 'q' }] } },
      'option stream.readers[0].onFailureQueue: needs functionArn'
    ],
    [
      { stream: { readers: [{ ...firehose, deliveryStreamName: 'd', encryption: {} }] } },
      'option stream.readers[0].encryption: Firehose takes none for what it reads from a stream'
    ],
    [
      { stream: { readers: [{ ...firehose, deliveryStreamName: 'd', dynamicPartitioning: true }] } },
      'option stream.readers[0].deliveryStreamName: does not go with dynamicPartitioning'
    ],
    [
      { stream: { readers: [{ ...firehose, bucket: 'raw' }] } },
      'option stream.readers[0].bucket: needs deliveryStreamName'
    ],
    [
      { stream: { readers: [{ kind: 'firehose', destination: 'splunk', bucket: 'raw' }] } },
      "option stream.readers[0].bucket: goes with the destination 's3' alone"
    ],
    [
      {
        stream: {
          readers: [
            { ...firehose, deliveryStreamName: 'raw', transform: { functionName: 'f', qualifier: '$LATEST' } }
          ]
        }
      },
      'option stream.readers[0].transform.qualifier: expected a version or an alias'
    ],
    [
      {
        destinations: [
          { kind: 'splunk', endpoint: 'https://hec.example.com', token: 't', secret: 'a secret' }
        ]
      },
      'option destinations[0].secret: expected the ARN or the name of a secret'
    ]
  ])('refuses %j', (plan, message) => {
    expect(() => resolve(plan)).toThrow(message)
  })
})
