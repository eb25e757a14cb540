import type { PipelinePlan } from '../../pipeline/plan.ts'

const role = (name: string): string => `arn:aws:iam::111122223333:role/${name}`
const domainArn = 'arn:aws:es:eu-west-1:111122223333:domain/orders'

export const network = {
  vpcId: 'vpc-0a1b2c3d',
  subnetIds: ['subnet-0a1b2c3d', 'subnet-0a1b2c3e'],
  securityGroupIds: ['sg-0a1b2c3d'],
  routeTableIds: ['rtb-0a1b2c3d']
} as const

export const people = {
  deployerArn: role('deployer'),
  custodianArn: role('custodian'),
  analystArn: role('analyst')
} as const

/** Plans that together have everything a planner makes. */
export const plans = {
  default: { name: 'orders' },
  ciphertext: {
    name: 'orders',
    destinations: [{ kind: 's3', deliver: 'ciphertext' }],
    roles: people
  },
  tenants: { name: 'orders', sealing: { tenants: { a1: 'made', b2: 'made' } } },
  plain: { name: 'orders', sealing: { mode: 'off' }, deadLetters: { kind: 's3' }, alarms: false },
  given: {
    name: 'orders',
    keys: {
      envelope: { arn: 'arn:aws:kms:eu-west-1:111122223333:key/e0', origin: 'AWS_CLOUDHSM' },
      stream: { arn: 'arn:aws:kms:eu-west-1:111122223333:key/e1' }
    }
  },
  everything: {
    name: 'orders',
    stream: {
      mode: 'on-demand',
      readers: [
        { kind: 'kcl', roleArn: role('archive') },
        {
          kind: 'lambda',
          handler: 'sealstream',
          functionArn: 'arn:aws:lambda:eu-west-1:111122223333:function:count:live',
          roleArn: role('count')
        },
        {
          kind: 'firehose',
          destination: 's3',
          deliveryStreamName: 'orders-raw',
          transform: { functionName: 'orders-open', qualifier: 'live' }
        }
      ]
    },
    sealing: { mode: 'record', context: { schema: '1' } },
    consumer: { retrieval: 'fan-out', fallBackToPolling: true },
    destinations: [
      { kind: 's3', compression: 'GZIP' },
      { kind: 'opensearch', domainArn },
      { kind: 'elasticsearch', domainArn },
      {
        kind: 'redshift',
        jdbcUrl: 'jdbc:redshift://orders.abc.eu-west-1.redshift.amazonaws.com:5439/dev',
        table: 'orders',
        username: 'loader',
        password: 'not-in-a-template',
        secret: 'orders-redshift'
      },
      {
        kind: 'splunk',
        endpoint: 'https://hec.example.com:8088',
        token: 'not-in-a-template',
        secret: 'arn:aws:secretsmanager:eu-west-1:111122223333:secret:orders-splunk-a1B2c3'
      }
    ],
    roles: people,
    network: {
      ...network,
      endpoints: [
        'kinesis-streams',
        'kinesis-firehose',
        'kms',
        'sqs',
        'monitoring',
        's3',
        'dynamodb',
        'logs',
        'sts',
        'secretsmanager'
      ],
      pinToEndpoint: true
    },
    alarms: { topicArn: 'arn:aws:sns:eu-west-1:111122223333:operations' }
  },
  services: {
    name: 'orders',
    stream: {
      readers: [
        { kind: 'lambda', handler: 'sealstream', functionName: 'orders-count', qualifier: 'live' },
        {
          kind: 'firehose',
          destination: 's3',
          deliveryStreamName: 'orders-raw',
          transform: { functionName: 'orders-open', qualifier: 'live' }
        }
      ]
    },
    destinations: [
      { kind: 's3', bufferSizeMiB: 64 },
      { kind: 'opensearch', domainArn: 'made' }
    ],
    roles: people,
    network,
    services: {
      cloudHsm: {},
      functions: [
        {
          name: 'orders-count',
          code: { bucket: 'orders-code', key: 'count.zip', version: 'a1' },
          variables: { TABLE: 'counts' }
        },
        {
          name: 'orders-open',
          code: { bucket: 'orders-code', key: 'open.zip', version: 'b2' },
          concurrency: 4
        }
      ],
      flink: {
        code: { bucket: 'orders-code', key: 'flink.zip', version: 'c3' },
        output: { streamName: 'orders-counted' },
        reference: { bucket: 'orders-reference', key: 'countries.csv' }
      },
      iot: {},
      redshift: {},
      openSearch: { masterRoleArn: role('search-master') },
      rds: { resourceId: 'cluster-ABC123', user: 'lookup', securityGroupId: 'sg-0d1e2f3a' },
      glue: {
        conversions: [
          {
            deliveryStreamName: 'orders-s3',
            format: 'parquet',
            columns: { id: 'bigint', tags: 'array<string>' }
          }
        ],
        connection: {
          jdbcUrl: 'jdbc:postgresql://orders.abc.eu-west-1.rds.amazonaws.com:5432/orders',
          secret: 'orders-rds'
        }
      }
    }
  }
} as const satisfies Record<string, PipelinePlan>

/** The services, with a cluster that Firehose loads: by a public address, which is a deviation. */
export const withLoadedCluster = {
  ...plans.services,
  destinations: [
    ...plans.services.destinations,
    {
      kind: 'redshift',
      jdbcUrl: 'made',
      table: 'orders',
      username: 'loader',
      password: 'not-in-a-template',
      secret: 'orders-redshift'
    }
  ],
  services: { ...plans.services.services, redshift: { firehoseCidr: '52.19.239.192/27' } }
} as const satisfies PipelinePlan
