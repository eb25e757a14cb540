import { describe, expect, it } from 'vitest'
import everything from '../../examples/plans/everything.config.ts'
import {
  accountId as accountOfStack,
  partition,
  refTo,
  region as regionOfStack
} from '../../infra/placeholders.ts'
import { planAccess } from '../../infra/plan-access.ts'
import { planTemplate } from '../../infra/planner.ts'
import type { PipelinePlan } from '../../pipeline/plan.ts'
import { network, people, plans, withLoadedCluster } from './plans.ts'
import {
  conversionRights,
  flinkRights,
  flinkToFirehose,
  iotRights,
  lookupRights,
  readerFunctionRights,
  transformFunctionRights
} from './service-rights.ts'

const accountId = '111122223333'
const region = 'eu-west-1'

/** Statements of a role of the plan with everything that a scope gives. */
function rightsOf(name: string, plan: PipelinePlan = plans.services) {
  const access = planAccess(plan, { accountId, region })
  const policies = access.identityPolicies.get(`arn:aws:iam::${accountId}:role/${name}`)
  return policies?.flatMap(({ document }) => document.Statement) ?? []
}

function resourcesOf(type: string, plan: PipelinePlan = plans.services) {
  const { Resources } = planTemplate(plan)
  return Object.values(Resources).filter(({ Type }) => Type === type)
}

/** The plan of the services with some of them altered, or without them. */
function withServices(altered: NonNullable<PipelinePlan['services']>): PipelinePlan {
  return { ...plans.services, services: { ...plans.services.services, ...altered } }
}

describe('a plan without services', () => {
  it('has no key for them', () => {
    const names = Object.keys(planTemplate(plans.everything).Resources)
    expect(names.filter(name => name.startsWith('ServicesKey'))).toEqual([])
  })
})

describe('functions', () => {
  const functionNamed = (name: string, plan?: PipelinePlan) =>
    resourcesOf('AWS::Lambda::Function', plan).find(({ Properties }) => Properties.FunctionName === name)!

  it('have the rights of what they are for, and no more', () => {
    expect(rightsOf('orders-count-reader')).toEqual(readerFunctionRights)
    expect(rightsOf('orders-open-transform')).toEqual(transformFunctionRights)
  })

  it('run from a bucket, bounded, in the network, their variables under a key', () => {
    expect(functionNamed('orders-count').Properties).toMatchObject({
      Code: { S3Bucket: 'orders-code', S3Key: 'count.zip', S3ObjectVersion: 'a1' },
      ReservedConcurrentExecutions: 10,
      Environment: { Variables: { TABLE: 'counts' } },
      KmsKeyArn: { 'Fn::GetAtt': ['StateKey', 'Arn'] },
      VpcConfig: { SubnetIds: network.subnetIds, SecurityGroupIds: network.securityGroupIds }
    })
    expect(functionNamed('orders-open').Properties).not.toHaveProperty('KmsKeyArn')
  })

  it('are outside of a network where the plan has none', () => {
    const { network: _, ...plan } = plans.services
    const { functions } = plan.services
    const outside: PipelinePlan = { ...plan, destinations: [{ kind: 's3' }], services: { functions } }
    expect(functionNamed('orders-open', outside).Properties).not.toHaveProperty('VpcConfig')
    expect(rightsOf('orders-open-transform', outside).map(({ Sid }) => Sid)).not.toContain('Interfaces')
  })

  it('are called by an alias, whose version is another one with other code', () => {
    const versionOf = (plan: PipelinePlan): unknown => {
      const aliases = resourcesOf('AWS::Lambda::Alias', plan).map(({ Properties }) => Properties)
      const { FunctionVersion } = aliases.find(each => JSON.stringify(each).includes('OrdersOpen'))!
      return (FunctionVersion as { 'Fn::GetAtt': string[] })['Fn::GetAtt'][0]
    }
    const [count, open] = plans.services.services.functions
    const altered = withServices({
      functions: [count, { ...open, code: { ...open.code, version: 'c3' } }]
    })
    expect(versionOf(plans.services)).toMatch(/^OrdersOpenVersion[0-9a-f]{12}$/)
    expect(versionOf(altered)).not.toBe(versionOf(plans.services))
  })

  it('are there before what calls them', () => {
    const [mapping] = resourcesOf('AWS::Lambda::EventSourceMapping')
    expect(mapping?.DependsOn).toEqual(['OrdersCountAliasLive'])
    const sourced = resourcesOf('AWS::KinesisFirehose::DeliveryStream').find(
      ({ Properties }) => Properties.DeliveryStreamName === 'orders-raw'
    )
    expect(sourced?.DependsOn).toContain('OrdersOpenAliasLive')
  })
})

describe('the catalogue', () => {
  it('is read by the delivery stream that converts, and by no other', () => {
    expect(rightsOf('orders-s3-delivery').slice(-2)).toEqual(conversionRights)
    const plan: PipelinePlan = {
      ...plans.services,
      destinations: [...plans.services.destinations, { kind: 's3', deliveryStreamName: 'other' }]
    }
    expect(JSON.stringify(rightsOf('other-delivery', plan))).not.toContain('glue')
  })

  it('leads the delivery stream to the schema, and both to the same place', () => {
    const [table] = resourcesOf('AWS::Glue::Table')
    expect(table?.Properties.TableInput).toMatchObject({
      Name: 'orders_s3',
      StorageDescriptor: {
        Columns: [
          { Name: 'id', Type: 'bigint' },
          { Name: 'tags', Type: 'array<string>' }
        ],
        Location: 's3://orders-delivered/records/'
      }
    })
    const [stream] = resourcesOf('AWS::KinesisFirehose::DeliveryStream')
    expect(stream?.Properties.ExtendedS3DestinationConfiguration).toMatchObject({
      CompressionFormat: 'UNCOMPRESSED',
      BufferingHints: { SizeInMBs: 64 },
      DataFormatConversionConfiguration: {
        Enabled: true,
        SchemaConfiguration: { TableName: { Ref: 'OrdersS3GlueTable' }, VersionId: 'LATEST' }
      }
    })
  })

  it('writes columns in the format of the plan', () => {
    const [conversion] = plans.services.services.glue.conversions
    const plan = withServices({ glue: { conversions: [{ ...conversion, format: 'orc' }] } })
    const [stream] = resourcesOf('AWS::KinesisFirehose::DeliveryStream', plan)
    expect(JSON.stringify(stream)).toContain('OrcSerDe')
    expect(JSON.stringify(resourcesOf('AWS::Glue::Table', plan))).toContain('orc.OrcSerde')
  })

  it('is encrypted, passwords of connections too, unless somebody else sets that for the account', () => {
    const [settings] = resourcesOf('AWS::Glue::DataCatalogEncryptionSettings')
    const keyArn = { 'Fn::GetAtt': ['ServicesKey', 'Arn'] }
    expect(settings?.Properties.DataCatalogEncryptionSettings).toEqual({
      EncryptionAtRest: { CatalogEncryptionMode: 'SSE-KMS', SseAwsKmsKeyId: keyArn },
      ConnectionPasswordEncryption: { ReturnConnectionPasswordEncrypted: true, KmsKeyId: keyArn }
    })
    const plan = withServices({ glue: { catalogSettings: false } })
    expect(resourcesOf('AWS::Glue::DataCatalogEncryptionSettings', plan)).toEqual([])
  })

  it('connects by TLS alone, with a secret by its name', () => {
    const [connection] = resourcesOf('AWS::Glue::Connection')
    expect(connection?.Properties.ConnectionInput).toMatchObject({
      ConnectionProperties: { JDBC_ENFORCE_SSL: 'true', SECRET_ID: expect.anything() },
      PhysicalConnectionRequirements: { SubnetId: network.subnetIds[0] }
    })
    expect(JSON.stringify(connection)).not.toMatch(/password/i)
  })

  it('needs a deployer, in whose name tables are encrypted', () => {
    const { deployerArn: _, custodianArn: __, ...others } = people
    expect(() => planTemplate({ ...plans.services, roles: others })).toThrow(
      'option roles.deployerArn: is missing: a key is used in its name for services.glue, services.redshift, services.flink, the var'
    )
  })
})

describe('an application of Flink', () => {
  const { flink } = plans.services.services

  it('has the rights that it needs to read, to look up and to write, and no more', () => {
    expect(rightsOf('orders-flink-application')).toEqual(flinkRights)
  })

  it('writes to a delivery stream instead, and opens records, where the plan says so', () => {
    const { output: _, ...others } = flink
    const plan: PipelinePlan = {
      ...withServices({ flink: { ...others, output: { deliveryStreamName: 'orders-s3' }, opens: true } }),
      sealing: { mode: 'record' }
    }
    const rights = rightsOf('orders-flink-application', plan)
    expect(rights.find(({ Sid }) => Sid === 'WriteOutput')).toEqual(flinkToFirehose)
    expect(rights.map(({ Sid }) => Sid)).toContain('UnwrapDataKeys')
    expect(rights.map(({ Sid }) => Sid)).not.toContain('NeverOpen')
    expect(rights.map(({ Sid }) => Sid)).not.toContain('OutputKey')
    expect(JSON.stringify(resourcesOf('AWS::Kinesis::Stream', plan))).not.toContain('orders-counted')
  })

  it('keeps its state under a key of the customer, makes checkpoints, and runs in the network', () => {
    const [application] = resourcesOf('AWS::KinesisAnalyticsV2::Application')
    expect(application?.Properties).toMatchObject({
      RuntimeEnvironment: 'FLINK-2_3',
      ApplicationConfiguration: {
        ApplicationEncryptionConfiguration: { KeyType: 'CUSTOMER_MANAGED_KEY' },
        FlinkApplicationConfiguration: { CheckpointConfiguration: { CheckpointingEnabled: true } },
        VpcConfigurations: [{ SubnetIds: network.subnetIds }]
      }
    })
  })

  it('makes its output stream encrypted, kept and within reach of the endpoint', () => {
    const { Resources } = planTemplate(plans.services)
    expect(Resources.FlinkOutputStream).toMatchObject({
      DeletionPolicy: 'Retain',
      Properties: { Name: 'orders-counted', StreamEncryption: { EncryptionType: 'KMS' } }
    })
    expect(JSON.stringify(Resources.KinesisStreamsEndpoint)).toContain('stream/orders-counted')
    expect(JSON.stringify(Resources.S3Endpoint)).toContain('orders-reference/countries.csv')
  })
})

describe('devices', () => {
  const thingName = 'iot:Connection.Thing.ThingName'

  it('put records, errors, logs and keys in hands that do nothing else', () => {
    for (const [role, rights] of Object.entries(iotRights)) expect(rightsOf(role)).toEqual(rights)
  })

  it('have one policy, in which each is itself alone', () => {
    const [policy] = resourcesOf('AWS::IoT::Policy').map(({ Properties }) => Properties.PolicyDocument)
    const { Statement: statements } = policy as { Statement: { Resource: unknown }[] }
    const arn = `arn:${partition}:iot:${regionOfStack}:${accountOfStack}`
    expect(statements.map(({ Resource }) => Resource)).toEqual([
      { 'Fn::Sub': `${arn}:client/${refTo(`!${thingName}`)}` },
      { 'Fn::Sub': `${arn}:topic/orders/records/${refTo(`!${thingName}`)}` }
    ])
  })

  it('have that policy as IoT Core reads it, also where the template asks for nothing', () => {
    const scope = { accountId, region }
    const { IotPolicy } = planTemplate(plans.services, scope).Resources
    const client = `arn:aws:iot:eu-west-1:111122223333:client/${refTo(thingName)}`
    expect(JSON.stringify(IotPolicy)).toContain(`"${client}"`)
  })

  it('reach the stream in the order of each, and a queue where they do not', () => {
    const [rule] = resourcesOf('AWS::IoT::TopicRule')
    expect(rule?.Properties.TopicRulePayload).toMatchObject({
      Sql: "SELECT * FROM 'orders/records/+'",
      Actions: [{ Kinesis: { PartitionKey: refTo('topic(3)') } }],
      ErrorAction: { Sqs: { QueueUrl: { Ref: 'IotErrorQueue' } } }
    })
    expect(planTemplate(plans.services).Resources).toHaveProperty('IotErrorsAlarm')
  })

  it('speak TLS 1.2 at least', () => {
    const [endpoint] = resourcesOf('AWS::IoT::DomainConfiguration')
    expect(endpoint?.Properties.TlsConfig).toEqual({ SecurityPolicy: 'IoTSecurityPolicy_TLS13_1_2_2022_10' })
  })

  it('leave what an account has once to others where the plan says so', () => {
    const plan = withServices({ iot: { logging: false, encryption: false } })
    const types = ['AWS::IoT::Logging', 'AWS::IoT::EncryptionConfiguration']
    expect(types.flatMap(type => resourcesOf(type, plan))).toEqual([])
    expect(types.flatMap(type => resourcesOf(type))).toHaveLength(2)
    expect(Object.keys(planTemplate(plan).Resources)).not.toContain('IotLogs')
    expect(rightsOf('orders-iot-key', plan)).toEqual([])
  })
})

describe('a database that is there', () => {
  it('is open to the consumer as one user', () => {
    expect(rightsOf('orders-consumer').slice(-1)).toEqual(lookupRights)
  })

  it('admits the workload on its port, and nothing of it is made', () => {
    const [ingress] = resourcesOf('AWS::EC2::SecurityGroupIngress')
    expect(ingress?.Properties).toMatchObject({
      GroupId: 'sg-0d1e2f3a',
      FromPort: 5_432,
      ToPort: 5_432,
      SourceSecurityGroupId: network.securityGroupIds[0]
    })
    const [egress] = resourcesOf('AWS::EC2::SecurityGroupEgress')
    expect(egress?.Properties).toMatchObject({ DestinationSecurityGroupId: 'sg-0d1e2f3a', FromPort: 5_432 })
    const types = Object.values(planTemplate(plans.services).Resources).map(({ Type }) => Type)
    expect(types.filter(type => type.startsWith('AWS::RDS::'))).toEqual([])
  })
})

describe('a cluster of HSMs', () => {
  it('is of the current type in FIPS mode, over two subnets, with backups, and stays', () => {
    expect(planTemplate(plans.services).Resources.CloudHsmCluster).toMatchObject({
      DeletionPolicy: 'Retain',
      Properties: {
        HsmType: 'hsm2m.medium',
        Mode: 'FIPS',
        SubnetIds: network.subnetIds,
        BackupRetentionPolicy: { Type: 'DAYS', Value: '90' }
      }
    })
  })
})

describe('a cluster of Redshift', () => {
  const { Resources, Outputs } = planTemplate(withLoadedCluster)
  const cluster = Resources.RedshiftCluster!.Properties

  it('is encrypted, logs, keeps its own password, and stays', () => {
    expect(cluster).toMatchObject({
      Encrypted: true,
      KmsKeyId: { 'Fn::GetAtt': ['SinkKey', 'Arn'] },
      ManageMasterPassword: true,
      EnhancedVpcRouting: true,
      LoggingProperties: { LogExports: ['connectionlog', 'userlog', 'useractivitylog'] }
    })
    expect(cluster).not.toHaveProperty('MasterUserPassword')
    expect(Resources.RedshiftCluster).toMatchObject({ DeletionPolicy: 'Retain' })
    expect(Resources.RedshiftParameters?.Properties.Parameters).toContainEqual({
      ParameterName: 'require_ssl',
      ParameterValue: 'true'
    })
  })

  it('is public to Firehose of the region alone, and to nobody where the plan does not say so', () => {
    expect(cluster.PubliclyAccessible).toBe(true)
    const addresses = JSON.stringify(Resources.RedshiftSecurityGroup?.Properties.SecurityGroupIngress)
    expect([...addresses.matchAll(/"CidrIp":"([^"]+)"/g)].map(([, cidr]) => cidr)).toEqual([
      '52.19.239.192/27'
    ])
    const { RedshiftCluster, RedshiftSecurityGroup } = planTemplate(plans.services).Resources
    expect(RedshiftCluster?.Properties.PubliclyAccessible).toBe(false)
    expect(JSON.stringify(RedshiftSecurityGroup?.Properties.SecurityGroupIngress)).not.toContain('CidrIp')
  })

  it('is what the delivery stream loads into', () => {
    const { RedshiftDestinationConfiguration: destination } =
      Resources.OrdersRedshiftDeliveryStream!.Properties
    const at = (part: string) => refTo(`RedshiftCluster.Endpoint.${part}`)
    expect((destination as { ClusterJDBCURL: unknown }).ClusterJDBCURL).toEqual({
      'Fn::Sub': `jdbc:redshift://${at('Address')}:${at('Port')}/orders`
    })
    expect(Outputs.RedshiftClusterAddress?.Value).toEqual({
      'Fn::GetAtt': ['RedshiftCluster', 'Endpoint.Address']
    })
  })
})

describe('a domain of OpenSearch', () => {
  const { Resources } = planTemplate(plans.services)

  it('is encrypted, speaks TLS, stands in the network, and knows roles alone', () => {
    expect(Resources.OpenSearchDomain).toMatchObject({
      DeletionPolicy: 'Retain',
      Properties: {
        EncryptionAtRestOptions: { Enabled: true, KmsKeyId: { 'Fn::GetAtt': ['SinkKey', 'Arn'] } },
        NodeToNodeEncryptionOptions: { Enabled: true },
        DomainEndpointOptions: { EnforceHTTPS: true, TLSSecurityPolicy: 'Policy-Min-TLS-1-2-PFS-2023-10' },
        VPCOptions: { SubnetIds: network.subnetIds },
        AdvancedSecurityOptions: { Enabled: true, InternalUserDatabaseEnabled: false }
      }
    })
    const { AccessPolicies, LogPublishingOptions } = Resources.OpenSearchDomain!.Properties
    const { Statement } = AccessPolicies as { Statement: { Principal: { AWS: unknown } }[] }
    const delivery = { 'Fn::GetAtt': ['OrdersOpensearchDeliveryRole', 'Arn'] }
    expect(Statement.map(({ Principal }) => Principal.AWS)).toEqual([
      delivery,
      delivery,
      people.analystArn,
      'arn:aws:iam::111122223333:role/search-master'
    ])
    expect(Object.keys(LogPublishingOptions as object)).toEqual([
      'AUDIT_LOGS',
      'ES_APPLICATION_LOGS',
      'INDEX_SLOW_LOGS',
      'SEARCH_SLOW_LOGS'
    ])
  })

  it('writes its own logs alone', () => {
    const { PolicyDocument: document } = Resources.OpenSearchLogPolicy!.Properties
    const text = (document as { 'Fn::Sub': string })['Fn::Sub']
    expect(JSON.parse(text).Statement[0].Condition.ArnEquals['aws:SourceArn']).toMatch(/:domain\/orders$/)
  })

  it('is what the delivery stream indexes in, once it is there', () => {
    const index = rightsOf('orders-opensearch-delivery').find(({ Sid }) => Sid === 'Index')
    const domain = 'arn:aws:es:eu-west-1:111122223333:domain/orders'
    expect(index?.Resource).toEqual([domain, `${domain}/_bulk`, `${domain}/orders*`])
    expect(Resources.OrdersOpensearchDeliveryStream?.DependsOn).toContain('OpenSearchDomain')
  })
})

describe('the plan with everything', () => {
  const { Resources } = planTemplate(everything)

  it('makes what a plan can make, all of it', () => {
    const types = new Set(Object.values(Resources).map(({ Type }) => Type.split('::')[1]))
    for (const service of [
      'CloudHSM',
      'Lambda',
      'KinesisAnalyticsV2',
      'IoT',
      'Glue',
      'Redshift',
      'OpenSearchService'
    ]) {
      expect(types).toContain(service)
    }
  })

  it('has an endpoint for the catalogue, of this database alone', () => {
    expect(JSON.stringify(Resources.GlueEndpoint)).toContain('table/orders/*')
    const { glue: _, ...services } = everything.services
    expect(planTemplate({ ...everything, services }).Resources).not.toHaveProperty('GlueEndpoint')
  })

  it('stays below what CloudFormation takes', () => {
    const bytes = Buffer.byteLength(JSON.stringify(planTemplate(everything)))
    expect(bytes).toBeLessThan(1_000_000)
    expect(Object.keys(Resources).length).toBeLessThan(500)
    for (const { Type, Properties } of Object.values(Resources)) {
      // https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html
      if (Type === 'AWS::KMS::Key') expect(JSON.stringify(Properties.KeyPolicy).length).toBeLessThan(32_768)
    }
  })
})
