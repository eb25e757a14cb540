import { describe, expect, it } from 'vitest'
import { deliveryStreamRequest } from '../../pipeline/delivery-stream-request.ts'
import { definePipeline, type PipelinePlan } from '../../pipeline/plan.ts'

const network = {
  vpcId: 'vpc-1a',
  subnetIds: ['subnet-1a', 'subnet-1b'],
  securityGroupIds: ['sg-1a'],
  routeTableIds: ['rtb-1a']
}
const resolve = (plan: object) => definePipeline({ name: 'orders-eu', ...plan } as PipelinePlan)
const servicesOf = (services: object, plan: object = {}) => resolve({ ...plan, services }).services

describe('the services beside a pipeline', () => {
  it('are none by default', () => {
    expect(
      Object.values(resolve({}).services)
        .flat()
        .filter(each => each !== undefined)
    ).toEqual([])
  })

  it('refuse one that nobody knows', () => {
    expect(() => servicesOf({ kafka: {} })).toThrow(
      'option services.kafka: unknown; known are cloudHsm, functions, flink, iot, glue, redshift, openSearch, rds'
    )
  })
})

describe('services.functions', () => {
  const code = { bucket: 'orders-code', key: 'open.zip', version: 'a1' }
  const transformed = {
    kind: 'firehose',
    destination: 's3',
    deliveryStreamName: 'raw',
    transform: { functionName: 'open', qualifier: 'live' }
  }
  const mapped = { kind: 'lambda', handler: 'sealstream', functionName: 'count', qualifier: 'live' }
  const functions = (made: readonly object[], readers: readonly object[]) =>
    servicesOf({ functions: made }, { stream: { readers } }).functions

  it('fills in how a function runs, and whom it serves by which alias', () => {
    expect(
      functions(
        [
          { name: 'open', code },
          { name: 'count', code }
        ],
        [transformed, mapped]
      )
    ).toEqual([
      {
        name: 'open',
        code,
        handler: 'index.handler',
        runtime: 'nodejs24.x',
        memoryMiB: 512,
        timeoutSeconds: 60,
        concurrency: 10,
        variables: {},
        aliases: ['live'],
        use: 'transform'
      },
      expect.objectContaining({ name: 'count', aliases: ['live'], use: 'reader' })
    ])
  })

  it('gives a reader of one a queue for what is given up', () => {
    const [reader] = resolve({
      services: { functions: [{ name: 'count', code }] },
      stream: { readers: [mapped] }
    }).stream.readers
    expect(reader).toMatchObject({ functionName: 'count', onFailureQueue: 'orders-eu-lambda-failures' })
  })

  const open = { name: 'open', code }
  it.each([
    [[open], [], 'option services.functions[0].name: is named by none of stream.readers'],
    [[open, open], [transformed], 'option services.functions[1].name: is that of another function'],
    [[], [mapped], 'option stream.readers[0].functionName: is none of services.functions'],
    [
      [open],
      [transformed, { ...mapped, functionName: 'open' }],
      'option services.functions[0].name: transforms and reads'
    ],
    [
      [open],
      [{ ...transformed, transform: { functionName: 'open', qualifier: '7' } }],
      'option services.functions[0].name: is named by its version'
    ],
    [[{ ...open, name: 'a:b' }], [transformed], 'option services.functions[0].name: expected a name'],
    [[{ name: 'open' }], [transformed], 'option services.functions[0].code.bucket: expected'],
    [
      [{ ...open, code: { ...code, version: undefined } }],
      [transformed],
      'option services.functions[0].code.version: expected'
    ],
    [[{ ...open, runtime: 'java21' }], [transformed], 'option services.functions[0].runtime: expected'],
    [
      [{ ...open, timeoutSeconds: 301 }],
      [transformed],
      'option services.functions[0].timeoutSeconds: expected an integer from 1 to 300'
    ],
    [[{ ...open, concurrency: 0 }], [transformed], 'option services.functions[0].concurrency: expected'],
    [
      [{ ...open, variables: { '1A': 'x' } }],
      [transformed],
      'services.functions[0].variables: expected names'
    ],
    [
      [{ ...open, variables: { A1: 7 } }],
      [transformed],
      'services.functions[0].variables.A1: expected a string'
    ],
    [
      [{ name: 'count', code }],
      [{ ...mapped, roleArn: 'arn:aws:iam::111122223333:role/count' }],
      'option stream.readers[0].roleArn: does not go with functionName'
    ],
    [
      [],
      [{ kind: 'lambda', qualifier: 'live' }],
      'option stream.readers[0].qualifier: goes with functionName alone'
    ],
    [
      [{ name: 'count', code }],
      [{ ...mapped, qualifier: '$LATEST' }],
      'option stream.readers[0].qualifier: expected a version or an alias'
    ]
  ])('refuses %j of readers %j', (made, readers, message) => {
    expect(() => functions(made, readers)).toThrow(message)
  })
})

describe('services.glue', () => {
  const destinations = [{ kind: 's3', bufferSizeMiB: 64 }]
  const conversion = { deliveryStreamName: 'orders-eu-s3', format: 'orc', columns: { id: 'bigint' } }
  const glue = (conversions: readonly object[], others: object = {}) =>
    servicesOf({ glue: { conversions, ...others } }, { destinations, network }).glue

  it('fills in names that Hive knows', () => {
    expect(glue([conversion])).toEqual({
      database: 'orders_eu',
      conversions: [
        {
          deliveryStreamName: 'orders-eu-s3',
          format: 'orc',
          table: 'orders_eu_s3',
          columns: [{ name: 'id', type: 'bigint' }]
        }
      ],
      connection: undefined,
      catalogSettings: true
    })
  })

  it('takes a connection from the network', () => {
    const connection = { jdbcUrl: 'jdbc:mysql://db.example.com:3306/orders', secret: 'orders' }
    expect(glue([], { connection })?.connection).toEqual({
      name: 'orders-eu',
      ...connection,
      availabilityZone: undefined
    })
    expect(() => servicesOf({ glue: { connection } })).toThrow(
      'option services.glue.connection: needs network'
    )
  })

  const jdbcUrl = 'jdbc:mysql://db.example.com/orders'
  it.each([
    [{ conversions: {} }, 'option services.glue.conversions: expected a list'],
    [{ database: 'Orders' }, 'option services.glue.database: expected 1 to 255 lower-case letters'],
    [
      { conversions: [{ ...conversion, deliveryStreamName: 'other' }] },
      "option services.glue.conversions[0].deliveryStreamName: expected that of a destination of kind 's3'"
    ],
    [{ conversions: [conversion, conversion] }, 'services.glue.conversions[1].deliveryStreamName: is that'],
    [
      { conversions: [{ ...conversion, format: 'avro' }] },
      "option services.glue.conversions[0].format: expected 'p"
    ],
    [
      { conversions: [{ ...conversion, columns: {} }] },
      'services.glue.conversions[0].columns: expected an object'
    ],
    [
      { conversions: [{ ...conversion, columns: { Id: 'int' } }] },
      'services.glue.conversions[0].columns: expected names of lower-case letters'
    ],
    [
      { conversions: [{ ...conversion, columns: { id: 'int; drop' } }] },
      'services.glue.conversions[0].columns.id: expected a type of Hive'
    ],
    [{ connection: { jdbcUrl: 'db:5432', secret: 's' } }, 'services.glue.connection.jdbcUrl: expected'],
    [
      { connection: { jdbcUrl: `${jdbcUrl}?user=a`, secret: 's' } },
      'option services.glue.connection.jdbcUrl: cannot hold credentials'
    ],
    [
      { connection: { jdbcUrl, secret: 'a secret' } },
      'option services.glue.connection.secret: expected the ARN'
    ],
    [{ connection: { jdbcUrl, secret: 's', name: 'a b' } }, 'option services.glue.connection.name: expected'],
    [
      { connection: { jdbcUrl, secret: 's', availabilityZone: '1' } },
      'availabilityZone: expected the name of a zone'
    ]
  ])('refuses %j', (value, message) => {
    expect(() => servicesOf({ glue: value }, { destinations, network })).toThrow(message)
  })

  it.each([
    [
      { bufferSizeMiB: 63 },
      'destinations[0].bufferSizeMiB: expected 64 at least with services.glue.conversions'
    ],
    [{ compression: 'GZIP' }, "destinations[0].compression: expected 'UNCOMPRESSED'"],
    [{ framing: 'lines' }, "destinations[0].framing: expected 'ndjson'"],
    [{ deliver: 'ciphertext' }, "destinations[0].deliver: expected 'plaintext'"],
    [{ packing: true }, 'destinations[0].packing: expected false'],
    [{ prefix: 'year=!{timestamp:yyyy}/' }, 'destinations[0].prefix: cannot hold an expression']
  ])('refuses a conversion of a destination with %j', (members, message) => {
    const converted = { glue: { conversions: [conversion] } }
    expect(() =>
      servicesOf(converted, { destinations: [{ kind: 's3', bufferSizeMiB: 64, ...members }] })
    ).toThrow(message)
  })
})

describe('services.flink', () => {
  const code = { bucket: 'orders-code', key: 'flink.zip', version: 'a1' }
  const output = { streamName: 'counted' }
  const flink = (members: object, plan: object = {}) =>
    servicesOf({ flink: { code, output, ...members } }, { network, ...plan }).flink

  it('fills in how it runs, opening nothing', () => {
    expect(flink({})).toEqual({
      name: 'orders-eu-flink',
      code,
      runtime: 'FLINK-2_3',
      parallelism: 1,
      output: { kind: 'stream', name: 'counted', shards: 1 },
      reference: undefined,
      opens: false
    })
  })

  it('opens records of which it writes to a delivery stream', () => {
    const delivered = { output: { deliveryStreamName: 'orders-eu-s3' }, opens: true }
    expect(flink(delivered, { sealing: { mode: 'record' } })).toMatchObject({
      output: { kind: 'firehose', name: 'orders-eu-s3' },
      opens: true
    })
    expect(() => flink(delivered)).toThrow(
      "option services.flink.opens: needs sealing.mode 'record', found 'aggregate'"
    )
  })

  it.each([
    [{ opens: true }, 'option services.flink.opens: does not go with output.streamName'],
    [
      { output: undefined },
      'option services.flink.output: expected exactly one of streamName and deliveryStreamName'
    ],
    [
      { output: { streamName: 'orders-eu' } },
      'option services.flink.output.streamName: is the stream that it reads'
    ],
    [
      { output: { deliveryStreamName: 'other' } },
      'services.flink.output.deliveryStreamName: expected that of a'
    ],
    [
      { output: { deliveryStreamName: 'orders-eu-s3', shards: 2 } },
      'services.flink.output.shards: goes with'
    ],
    [{ output: { topic: 'a' } }, 'option services.flink.output.topic: unknown'],
    [{ runtime: 'SQL-1_0' }, 'option services.flink.runtime: expected'],
    [{ parallelism: 0 }, 'option services.flink.parallelism: expected'],
    [{ reference: { bucket: 'orders-reference' } }, 'option services.flink.reference.key: expected'],
    [{ opens: 'yes' }, 'option services.flink.opens: expected true or false']
  ])('refuses %j', (members, message) => {
    expect(() => flink(members)).toThrow(message)
  })

  it('refuses one without a network', () => {
    expect(() => servicesOf({ flink: { code, output } })).toThrow('option services.flink: needs network')
  })
})

describe('services.iot', () => {
  it('fills in names', () => {
    expect(servicesOf({ iot: {} }).iot).toEqual({
      topic: 'orders-eu/records',
      thingGroup: 'orders-eu-devices',
      logging: true,
      encryption: true
    })
  })

  it.each([
    [{ topic: '#' }, 'option services.iot.topic: expected 1 to 6 levels'],
    [{ topic: 'orders/+' }, 'option services.iot.topic: expected 1 to 6 levels'],
    [{ topic: '$aws/things' }, 'option services.iot.topic: expected 1 to 6 levels'],
    [{ topic: 'a/b/c/d/e/f/g' }, 'option services.iot.topic: expected 1 to 6 levels'],
    [{ thingGroup: 'a b' }, 'option services.iot.thingGroup: expected'],
    [{ logging: 1 }, 'option services.iot.logging: expected true or false']
  ])('refuses %j', (iot, message) => {
    expect(() => servicesOf({ iot })).toThrow(message)
  })
})

describe('services.rds', () => {
  const rds = { resourceId: 'db-ABC1', user: 'lookup', securityGroupId: 'sg-1b' }

  it('fills in the port of PostgreSQL', () => {
    expect(servicesOf({ rds }, { network }).rds).toEqual({ ...rds, port: 5_432 })
  })

  it('refuses one without a network', () => {
    expect(() => servicesOf({ rds })).toThrow('option services.rds: needs network')
  })

  it.each([
    [{ resourceId: 'orders' }, "option services.rds.resourceId: expected 'db-' or 'cluster-'"],
    [{ user: '*' }, 'option services.rds.user: expected 1 to 63 letters'],
    [{ user: 'Postgres' }, 'option services.rds.user: is a name of an owner'],
    [{ securityGroupId: 'sg-1a' }, 'services.rds.securityGroupId: is one of network.securityGroupIds'],
    [{ securityGroupId: 'sg' }, "option services.rds.securityGroupId: expected 'sg-'"],
    [{ port: 80 }, 'option services.rds.port: expected an integer from 1150 to 65535']
  ])('refuses %j', (members, message) => {
    expect(() => servicesOf({ rds: { ...rds, ...members } }, { network })).toThrow(message)
  })
})

describe('services.cloudHsm', () => {
  it('takes the subnets of the network, and keeps backups', () => {
    expect(servicesOf({ cloudHsm: {} }, { network }).cloudHsm).toEqual({
      subnetIds: network.subnetIds,
      mode: 'FIPS',
      backupRetentionDays: 90
    })
  })

  it('goes with an envelope key in it, or one of KMS until then, and with none of another store', () => {
    const arn = 'arn:aws:kms:eu-west-1:111122223333:key/e0'
    const withOrigin = (origin: string) => () =>
      servicesOf({ cloudHsm: {} }, { network, keys: { envelope: { arn, origin } } })
    expect(withOrigin('AWS_CLOUDHSM')).not.toThrow()
    expect(withOrigin('AWS_KMS')).not.toThrow()
    expect(withOrigin('EXTERNAL_KEY_STORE')).toThrow(
      "option keys.envelope.origin: is 'EXTERNAL_KEY_STORE', which a cluster of services.cloudHsm is not"
    )
  })

  it('does not go without a key to keep', () => {
    expect(() => servicesOf({ cloudHsm: {} }, { network, sealing: { mode: 'off' } })).toThrow(
      "option services.cloudHsm: needs sealing.mode other than 'off'"
    )
  })

  it.each([
    [{}, 'option services.cloudHsm.subnetIds: expected two at least'],
    [{ subnetIds: ['subnet-1a'] }, 'option services.cloudHsm.subnetIds: expected two at least'],
    [
      { subnetIds: ['subnet-1a', 'subnet-1b'], mode: 'fips' },
      "option services.cloudHsm.mode: expected 'FIPS' or 'NON_FIPS'"
    ],
    [
      { subnetIds: ['subnet-1a', 'subnet-1a'] },
      'option services.cloudHsm.subnetIds: names one of them twice'
    ],
    [
      { subnetIds: ['subnet-1a', 'subnet-1b'], backupRetentionDays: 89 },
      'option services.cloudHsm.backupRetentionDays: expected an integer from 90 to 379'
    ]
  ])('refuses %j', (cloudHsm, message) => {
    expect(() => servicesOf({ cloudHsm })).toThrow(message)
  })
})

describe('services.redshift', () => {
  const destination = {
    kind: 'redshift',
    jdbcUrl: 'made',
    table: 't',
    username: 'u',
    password: 'p',
    secret: 's'
  }
  const firehoseCidr = '52.19.239.192/27'

  it('fills in a cluster without a public address', () => {
    expect(servicesOf({ redshift: {} }, { network }).redshift).toEqual({
      name: 'orders-eu',
      nodeType: 'ra3.large',
      nodes: 2,
      database: 'orders_eu',
      masterUsername: 'administrator',
      firehoseCidr: undefined
    })
  })

  it('is what a destination names, where Firehose can reach it', () => {
    const destinations = [destination]
    expect(() => servicesOf({ redshift: { firehoseCidr } }, { network, destinations })).not.toThrow()
    expect(() => servicesOf({ redshift: {} }, { network, destinations })).toThrow(
      'option services.redshift.firehoseCidr: is missing: Firehose could not reach it for destinations[0]'
    )
    expect(() => servicesOf({}, { destinations })).toThrow(
      "option destinations[0].jdbcUrl: is 'made', which needs services.redshift"
    )
  })

  it('refuses one without a network', () => {
    expect(() => servicesOf({ redshift: {} })).toThrow('option services.redshift: needs network')
  })

  it.each([
    [{ name: 'Orders' }, 'option services.redshift.name: expected lower-case letters'],
    [{ name: 'a--b' }, 'option services.redshift.name: expected lower-case letters'],
    [{ nodeType: 'large' }, 'option services.redshift.nodeType: expected a type of node'],
    [{ nodes: 1 }, 'option services.redshift.nodes: expected an integer from 2 to 16'],
    [{ database: 'a-b' }, 'option services.redshift.database: expected lower-case letters'],
    [{ masterUsername: 'a b' }, 'option services.redshift.masterUsername: expected lower-case letters'],
    [
      { firehoseCidr: '0.0.0.0/0' },
      'option services.redshift.firehoseCidr: expected the addresses of Firehose'
    ]
  ])('refuses %j', (redshift, message) => {
    expect(() => servicesOf({ redshift }, { network })).toThrow(message)
  })
})

describe('services.openSearch', () => {
  const masterRoleArn = 'arn:aws:iam::111122223333:role/search-master'
  const domain = (members: object, plan: object = { network }) =>
    servicesOf({ openSearch: { masterRoleArn, ...members } }, plan).openSearch

  it('fills in a domain over two zones', () => {
    expect(domain({})).toEqual({
      name: 'orders-eu',
      version: 'OpenSearch_3.1',
      instanceType: 'r7g.large.search',
      instances: 2,
      volumeGiB: 100,
      masterRoleArn
    })
  })

  it('is what a destination names, unless that is Elasticsearch', () => {
    const named = (kind: string) => ({ network, destinations: [{ kind, domainArn: 'made' }] })
    expect(() => domain({}, named('opensearch'))).not.toThrow()
    const message = "option destinations[0].domainArn: is 'made', which needs services.openSearch"
    expect(() => domain({}, named('elasticsearch'))).toThrow(message)
    expect(() => servicesOf({}, named('opensearch'))).toThrow(message)
  })

  it('refuses one without a network', () => {
    expect(() => domain({}, {})).toThrow('option services.openSearch: needs network')
  })

  it.each([
    [{ name: 'ab' }, 'option services.openSearch.name: expected 3 to 28'],
    [{ version: 'Elasticsearch_7.10' }, 'option services.openSearch.version: expected a version'],
    [{ instanceType: 'r7g.large' }, 'option services.openSearch.instanceType: expected a type of instance'],
    [{ instances: 3 }, 'option services.openSearch.instances: expected an even number'],
    [{ volumeGiB: 9 }, 'option services.openSearch.volumeGiB: expected an integer from 10 to 16384'],
    [{ masterRoleArn: undefined }, 'option services.openSearch.masterRoleArn: expected']
  ])('refuses %j', (members, message) => {
    expect(() => domain(members)).toThrow(message)
  })
})

describe('a destination that a template makes', () => {
  it.each([
    [
      { kind: 'opensearch', domainArn: 'made' },
      "option destinations[0].domainArn: is 'made' by a template alone"
    ],
    [
      { kind: 'redshift', jdbcUrl: 'made', table: 't', username: 'u', password: 'p' },
      "option destinations[0].jdbcUrl: is 'made' by a template alone"
    ]
  ])('is not provisioned: %j', (destination, message) => {
    const plan = resolve({
      network,
      destinations: [destination],
      services: {
        redshift: { firehoseCidr: '52.19.239.192/27' },
        openSearch: { masterRoleArn: 'arn:aws:iam::111122223333:role/search-master' }
      }
    })
    expect(() => deliveryStreamRequest(plan.destinations[0]!, 'destinations[0]')).toThrow(message)
  })
})
