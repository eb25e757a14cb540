import { describe, expect, it } from 'vitest'
import everything from '../../../../examples/plans/everything.config.ts'
import { audit } from '../../../../infra/audit/audit.ts'
import { catalogue } from '../../../../infra/audit/catalogue.ts'
import type { AccountService, ReadAccount } from '../../../../infra/audit/loaders/account/account-reader.ts'
import { loadLive } from '../../../../infra/audit/loaders/live.ts'
import { type NeighbourNames, servicesOfNeighbours } from '../../../../infra/audit/loaders/neighbours.ts'
import { namesOfPlan } from '../../../../infra/audit/loaders/plan-names.ts'
import { type AuditModel, unknownValue } from '../../../../infra/audit/model.ts'
import { definePipeline } from '../../../../pipeline/plan.ts'
import { policy } from '../../../helpers/audit.ts'
import { plans } from '../../plans.ts'

const arn = (service: string, rest: string) => `arn:aws:${service}:eu-west-1:111122223333:${rest}`
const keyArn = arn('kms', 'key/sink')

type Answers = Readonly<Record<string, (input: Record<string, unknown>) => unknown>>

// Each service as it answers, in the words of its API.
const account: Answers = {
  'kms:DescribeKey': ({ KeyId }) => ({
    KeyMetadata:
      KeyId === keyArn
        ? { KeyId: 'sink', Arn: keyArn, KeyManager: 'CUSTOMER', Origin: 'AWS_KMS' }
        : {
            KeyId: 'envelope',
            Arn: arn('kms', 'key/envelope'),
            KeyManager: 'CUSTOMER',
            Origin: 'AWS_CLOUDHSM',
            CustomKeyStoreId: 'cks-1'
          }
  }),
  'kms:GetKeyPolicy': () => ({ Policy: JSON.stringify(policy({ Action: 'kms:*' })) }),
  'kms:GetKeyRotationStatus': () => ({ KeyRotationEnabled: true }),
  'kms:ListGrants': () => ({ Grants: [] }),
  'kms:ListAliases': () => ({ Aliases: [] }),
  'kms:DescribeCustomKeyStores': ({ CustomKeyStoreId }) => ({
    CustomKeyStores: [
      {
        CustomKeyStoreId,
        ConnectionState: 'CONNECTED',
        CustomKeyStoreType: 'AWS_CLOUDHSM',
        CloudHsmClusterId: 'cluster-a'
      }
    ]
  }),
  'iam:GetRole': ({ RoleName }) => ({
    Role: {
      Arn: `arn:aws:iam::111122223333:role/${String(RoleName)}`,
      AssumeRolePolicyDocument: JSON.stringify(policy({ Action: 'sts:AssumeRole' }))
    }
  }),
  'iam:ListRolePolicies': () => ({ PolicyNames: [] }),
  'iam:ListAttachedRolePolicies': () => ({ AttachedPolicies: [] }),
  'logs:DescribeLogGroups': ({ logGroupNamePrefix: name }) => ({
    logGroups: [{ logGroupName: name, kmsKeyId: keyArn }]
  }),
  'ec2:DescribeVpcEndpoints': () => ({ VpcEndpoints: [] }),
  'ec2:DescribeSecurityGroups': ({ GroupIds }) => ({
    SecurityGroups: (GroupIds as string[]).map(GroupId => ({
      GroupId,
      GroupName: 'databases',
      IpPermissions: [
        {
          IpProtocol: 'tcp',
          FromPort: 5432,
          ToPort: 5432,
          UserIdGroupPairs: [{ GroupId: 'sg-workers' }],
          IpRanges: [{ CidrIp: '10.0.0.0/8' }],
          Ipv6Ranges: [{ CidrIpv6: 'fd00::/8' }],
          PrefixListIds: [{ PrefixListId: 'pl-1' }]
        }
      ]
    }))
  }),
  'cloudhsm:DescribeClusters': () => ({
    Clusters: [
      {
        ClusterId: 'cluster-a',
        HsmType: 'hsm2m.medium',
        Mode: 'FIPS',
        SubnetMapping: { 'eu-west-1a': 'subnet-a', 'eu-west-1b': 'subnet-b' },
        BackupRetentionPolicy: { Type: 'DAYS', Value: '90' },
        Hsms: [
          { HsmId: 'hsm-1', AvailabilityZone: 'eu-west-1a', State: 'ACTIVE' },
          { HsmId: 'hsm-2', AvailabilityZone: 'eu-west-1b', State: 'ACTIVE' }
        ]
      }
    ]
  }),
  'kinesisanalytics:DescribeApplication': ({ ApplicationName }) => ({
    ApplicationDetail: {
      ApplicationARN: arn('kinesisanalytics', `application/${String(ApplicationName)}`),
      RuntimeEnvironment: 'FLINK-1_20',
      ServiceExecutionRole: 'arn:aws:iam::111122223333:role/flink',
      ApplicationConfigurationDescription: {
        ApplicationEncryptionConfigurationDescription: { KeyType: 'CUSTOMER_MANAGED_KEY', KeyId: keyArn },
        FlinkApplicationConfigurationDescription: {
          CheckpointConfigurationDescription: { ConfigurationType: 'CUSTOM', CheckpointingEnabled: true }
        }
      }
    }
  }),
  'iot:DescribeThing': ({ thingName }) => ({ thingName, thingArn: arn('iot', `thing/${String(thingName)}`) }),
  'iot:ListThingPrincipals': () => ({ principals: [arn('iot', 'cert/1')] }),
  'iot:ListPrincipalThings': () => ({ things: ['gauge', 'copy'] }),
  'iot:GetPolicy': () => ({
    policyArn: arn('iot', 'policy/devices'),
    policyDocument: JSON.stringify(policy({ Action: 'iot:*' }))
  }),
  'iot:ListTargetsForPolicy': ({ marker }) =>
    marker === undefined
      ? { targets: [arn('iot', 'cert/1')], nextMarker: 'more' }
      : { targets: [arn('iot', 'thinggroup/devices')] },
  'iot:GetTopicRule': () => ({
    ruleArn: arn('iot', 'rule/orders'),
    rule: {
      actions: [{ kinesis: { roleArn: 'arn:aws:iam::111122223333:role/rule', streamName: 'orders' } }],
      errorAction: { sqs: { queueUrl: 'https://sqs/refused', useBase64: true } }
    }
  }),
  'sqs:GetQueueAttributes': () => ({
    Attributes: { QueueArn: arn('sqs', 'refused'), KmsMasterKeyId: keyArn }
  }),
  'iot:DescribeEncryptionConfiguration': () => ({ encryptionType: 'AWS_OWNED_KMS_KEY' }),
  'iot:ListDomainConfigurations': () => ({
    domainConfigurations: [{ domainConfigurationName: 'own' }, { domainConfigurationName: 'off' }]
  }),
  'iot:DescribeDomainConfiguration': ({ domainConfigurationName: name }) => ({
    domainConfigurationArn: arn('iot', `domainconfiguration/${String(name)}`),
    domainConfigurationStatus: name === 'off' ? 'DISABLED' : 'ENABLED',
    serviceType: 'DATA',
    tlsConfig: { securityPolicy: 'IoTSecurityPolicy_TLS13_1_2_2022_10' }
  }),
  'rds:DescribeDBInstances': ({ DBInstanceIdentifier: id }) => ({
    DBInstances: [
      {
        DBInstanceArn: arn('rds', `db:${String(id)}`),
        Engine: id === 'member' ? 'aurora-postgresql' : 'postgres',
        StorageEncrypted: true,
        KmsKeyId: keyArn,
        IAMDatabaseAuthenticationEnabled: true,
        ...(id === 'member'
          ? { DBClusterIdentifier: 'ledger' }
          : { MasterUserSecret: { SecretArn: 'secret' } }),
        DBParameterGroups: [{ DBParameterGroupName: 'forced' }],
        VpcSecurityGroups: [{ VpcSecurityGroupId: 'sg-db' }],
        PubliclyAccessible: false,
        Endpoint: { Port: 5432 }
      }
    ]
  }),
  'rds:DescribeDBClusters': () => ({
    DBClusters: [
      {
        DBClusterArn: arn('rds', 'cluster:ledger'),
        Engine: 'aurora-postgresql',
        StorageEncrypted: true,
        DBClusterParameterGroup: 'cluster-forced',
        VpcSecurityGroups: [{ VpcSecurityGroupId: 'sg-db' }],
        DBClusterMembers: [{ DBInstanceIdentifier: 'member' }],
        Port: 5432
      }
    ]
  }),
  'rds:DescribeDBParameters': ({ Marker }) =>
    Marker === undefined
      ? { Parameters: [{ ParameterName: 'work_mem' }], Marker: 'more' }
      : { Parameters: [{ ParameterName: 'rds.force_ssl', ParameterValue: '1' }] },
  'rds:DescribeDBClusterParameters': () => ({ Parameters: [{ ParameterName: 'rds.force_ssl' }] }),
  'redshift:DescribeClusters': () => ({
    Clusters: [
      {
        ClusterIdentifier: 'reports',
        Encrypted: true,
        KmsKeyId: keyArn,
        EnhancedVpcRouting: true,
        PubliclyAccessible: false,
        VpcSecurityGroups: [{ VpcSecurityGroupId: 'sg-rs' }],
        ClusterParameterGroups: [{ ParameterGroupName: 'tls' }],
        Endpoint: { Port: 5439 }
      }
    ]
  }),
  'redshift:DescribeLoggingStatus': () => ({ LoggingEnabled: true, LogDestinationType: 'cloudwatch' }),
  'redshift:DescribeClusterParameters': () => ({
    Parameters: [{ ParameterName: 'require_ssl', ParameterValue: 'true', Source: 'user' }]
  }),
  'es:DescribeDomain': ({ DomainName }) => ({
    DomainStatus: {
      DomainName,
      ARN: arn('es', `domain/${String(DomainName)}`),
      EncryptionAtRestOptions: { Enabled: true, KmsKeyId: keyArn },
      AccessPolicies: JSON.stringify(policy({ Principal: '*', Action: 'es:ESHttpGet' })),
      LogPublishingOptions: {
        AUDIT_LOGS: { Enabled: true, CloudWatchLogsLogGroupArn: arn('logs', 'log-group:/search:*') }
      }
    }
  }),
  'glue:GetDataCatalogEncryptionSettings': () => ({
    DataCatalogEncryptionSettings: {
      EncryptionAtRest: { CatalogEncryptionMode: 'SSE-KMS', SseAwsKmsKeyId: keyArn },
      ConnectionPasswordEncryption: { ReturnConnectionPasswordEncrypted: true, AwsKmsKeyId: keyArn }
    }
  }),
  'glue:GetResourcePolicy': () => refused('EntityNotFoundException'),
  'glue:GetConnection': () => ({
    Connection: {
      ConnectionType: 'JDBC',
      ConnectionProperties: { JDBC_ENFORCE_SSL: 'true', ENCRYPTED_PASSWORD: 'c2VjcmV0' }
    }
  }),
  'glue:GetJob': () => ({ Job: { SecurityConfiguration: 'encrypted' } }),
  'glue:GetCrawler': () => ({ Crawler: {} }),
  'glue:GetSecurityConfiguration': () => ({
    SecurityConfiguration: {
      EncryptionConfiguration: {
        S3Encryption: [{ S3EncryptionMode: 'SSE-KMS', KmsKeyArn: keyArn }],
        CloudWatchEncryption: { CloudWatchEncryptionMode: 'SSE-KMS', KmsKeyArn: keyArn },
        JobBookmarksEncryption: { JobBookmarksEncryptionMode: 'CSE-KMS', KmsKeyArn: keyArn }
      }
    }
  })
}

function refused(name: string): never {
  throw Object.assign(new Error('refused'), { name, $metadata: { httpStatusCode: 400 } })
}

async function load(
  neighbours: NeighbourNames,
  overrides: Answers = {},
  without: readonly AccountService[] = []
): Promise<AuditModel & { calls: string[] }> {
  const calls: string[] = []
  const read: ReadAccount = async ({ service, operation, input }) => {
    const call = `${service}:${operation}`
    calls.push(call)
    const answer = overrides[call] ?? account[call]
    if (answer === undefined) return refused('ResourceNotFoundException')
    return answer({ ...input }) as object
  }
  const services = ['kinesis', 'kms', 'iam', 'ec2', 'logs', ...servicesOfNeighbours(neighbours)] as const
  const model = await loadLive(
    {
      stream: 'orders',
      envelopeKeys: [],
      tables: [],
      queues: [],
      buckets: [],
      deliveryStreams: [],
      roles: [],
      neighbours
    },
    {
      read,
      services: new Set(services.filter(service => !without.includes(service))),
      scope: { partition: 'aws', region: 'eu-west-1', accountId: '111122223333' }
    }
  )
  return { ...model, calls }
}

const find = ({ resources }: AuditModel, type: string, id?: string) =>
  resources.find(each => each.type === `AWS::${type}` && (id === undefined || each.id === id))
const statusesOf = (model: AuditModel, prefix: string) =>
  Object.fromEntries(
    audit(model, catalogue)
      .results.filter(({ control }) => control.id.startsWith(`${prefix}-`))
      .map(({ control, status }) => [control.id, status])
  )

describe('neighbours of a pipeline', () => {
  it('are not asked for where none is named, and then do not apply', async () => {
    const model = await load({})
    expect(
      model.calls.filter(call => /^(cloudhsm|kinesisanalytics|iot|rds|redshift|es|glue):/.test(call))
    ).toEqual([])
    for (const prefix of ['HSM', 'MSF', 'IOT', 'RDS', 'RS', 'OS', 'GLU']) {
      expect(new Set(Object.values(statusesOf(model, prefix)))).toEqual(new Set(['notApplicable']))
    }
  })

  it('need the clients of what is named alone', () => {
    expect(servicesOfNeighbours({})).toEqual([])
    expect(servicesOfNeighbours({ things: [], databaseClusters: ['c'], databaseInstances: ['d'] })).toEqual([
      'rds'
    ])
    expect(servicesOfNeighbours({ topicRules: ['r'], searchDomains: ['d'] })).toEqual(['iot', 'es'])
  })

  it('are left out where there is no client for them', async () => {
    const names = {
      hsmClusters: ['cluster-a'],
      flinkApplications: ['f'],
      things: ['gauge'],
      thingPolicies: ['devices'],
      topicRules: ['orders'],
      databaseInstances: ['db'],
      databaseClusters: ['ledger'],
      redshiftClusters: ['reports'],
      searchDomains: ['logs'],
      glueConnections: ['c'],
      glueJobs: ['j'],
      glueCrawlers: ['w'],
      glueSecurityConfigurations: ['s']
    }
    const model = await load(names, {}, servicesOfNeighbours(names))
    expect(model.resources).toEqual([])
  })

  it('are the domains and clusters that a plan delivers to, but for those of engines', () => {
    const plan = definePipeline(plans.everything)
    expect(namesOfPlan(plan).neighbours).toEqual({ searchDomains: ['orders'], redshiftClusters: ['orders'] })
    expect(namesOfPlan(plan, true).neighbours).toEqual({})
    expect(namesOfPlan(definePipeline(everything)).readers?.functions).toEqual(['orders-totals:live'])
    expect(namesOfPlan(definePipeline(everything)).neighbours).toEqual({
      searchDomains: ['orders'],
      redshiftClusters: ['reports', 'orders'],
      flinkApplications: ['orders-flink'],
      thingPolicies: ['orders-devices'],
      topicRules: ['orders'],
      glueDatabases: ['orders'],
      glueSecurityConfigurations: ['orders'],
      glueConnections: ['orders']
    })
    const elsewhere = definePipeline({
      name: 'orders',
      destinations: [
        { kind: 'opensearch', endpoint: 'https://search.example.com' },
        {
          kind: 'redshift',
          jdbcUrl:
            'jdbc:redshift://reports.111122223333.eu-west-1.redshift-serverless.amazonaws.com:5439/dev',
          table: 'orders',
          username: 'loader',
          password: 'x'
        }
      ]
    })
    expect(namesOfPlan(elsewhere).neighbours).toEqual({ searchDomains: [], redshiftClusters: [] })
  })
})

describe('CloudHSM', () => {
  it('tells the HSMs of a cluster', async () => {
    const model = await load({ hsmClusters: ['cluster-a'] })
    expect(find(model, 'CloudHSM::Cluster')).toMatchObject({
      id: 'cluster-a',
      arn: arn('cloudhsm', 'cluster/cluster-a'),
      properties: { Mode: 'FIPS', SubnetIds: ['subnet-a', 'subnet-b'] }
    })
    expect(statusesOf(model, 'HSM')).toMatchObject({ 'HSM-01': 'pass', 'HSM-02': 'pass' })
  })

  it('leaves the mode undecided where the client does not know of modes', async () => {
    const model = await load(
      { hsmClusters: ['cluster-a'] },
      {
        'cloudhsm:DescribeClusters': () => ({
          Clusters: [{ ClusterId: 'cluster-a', HsmType: 'hsm2m.medium' }]
        })
      }
    )
    expect(find(model, 'CloudHSM::Cluster')!.properties.Mode).toBe(unknownValue)
  })

  it('is undecided where it is refused', async () => {
    const model = await load(
      { hsmClusters: ['cluster-a'] },
      { 'cloudhsm:DescribeClusters': () => refused('AccessDeniedException') }
    )
    expect(statusesOf(model, 'HSM')).toMatchObject({ 'HSM-01': 'error', 'HSM-02': 'error' })
  })

  const withKey = (overrides: Answers = {}) =>
    loadLive(
      {
        stream: 'orders',
        envelopeKeys: ['alias/orders'],
        tables: [],
        queues: [],
        buckets: [],
        deliveryStreams: [],
        roles: []
      },
      {
        read: async ({ service, operation, input }) => {
          const answer = overrides[`${service}:${operation}`] ?? account[`${service}:${operation}`]
          return answer === undefined
            ? refused('ResourceNotFoundException')
            : (answer({ ...input }) as object)
        },
        services: new Set(['kinesis', 'kms'])
      }
    )

  it('is what the key store of an envelope key is connected to', async () => {
    const model = await withKey()
    expect(find(model, 'KMS::Key')!.properties.CustomKeyStore).toEqual({
      ConnectionState: 'CONNECTED',
      CustomKeyStoreType: 'AWS_CLOUDHSM',
      CloudHsmClusterId: 'cluster-a'
    })
    expect(statusesOf(model, 'HSM')['HSM-04']).toBe('manual')
    const store = { ConnectionState: 'FAILED' }
    const failed = await withKey({ 'kms:DescribeCustomKeyStores': () => ({ CustomKeyStores: [store] }) })
    expect(statusesOf(failed, 'HSM')['HSM-04']).toBe('fail')
    const denied = await withKey({ 'kms:DescribeCustomKeyStores': () => refused('AccessDeniedException') })
    expect(statusesOf(denied, 'HSM')['HSM-04']).toBe('error')
  })
})

describe('Managed Flink', () => {
  it('tells an application with its key and its role', async () => {
    const model = await load({ flinkApplications: ['count'] })
    expect(find(model, 'KinesisAnalyticsV2::Application')!.properties).toEqual({
      ApplicationName: 'count',
      RuntimeEnvironment: 'FLINK-1_20',
      ServiceExecutionRole: 'arn:aws:iam::111122223333:role/flink',
      ApplicationConfiguration: {
        ApplicationEncryptionConfiguration: { KeyType: 'CUSTOMER_MANAGED_KEY', KeyId: keyArn },
        FlinkApplicationConfiguration: {
          CheckpointConfiguration: { ConfigurationType: 'CUSTOM', CheckpointingEnabled: true }
        }
      }
    })
    expect(find(model, 'KMS::Key', 'sink')).toBeDefined()
    expect(find(model, 'IAM::Role', 'flink')).toBeDefined()
    expect(statusesOf(model, 'MSF')['MSF-01']).toBe('pass')
  })
})

describe('IoT Core', () => {
  it('tells with whom a thing shares its certificate', async () => {
    const model = await load({ things: ['gauge'] })
    const attachments = model.resources.filter(({ type }) => type === 'AWS::IoT::ThingPrincipalAttachment')
    expect(attachments.map(({ properties }) => properties.ThingName)).toEqual(['gauge', 'copy'])
    expect(statusesOf(model, 'IOT')).toMatchObject({ 'IOT-01': 'fail', 'IOT-04': 'fail', 'IOT-05': 'pass' })
    const alone = await load(
      { things: ['gauge'] },
      { 'iot:ListPrincipalThings': () => ({ things: ['gauge'] }) }
    )
    expect(statusesOf(alone, 'IOT')['IOT-01']).toBe('pass')
  })

  it.each(['iot:ListThingPrincipals', 'iot:ListPrincipalThings'])(
    'leaves it undecided where %s is refused',
    async call => {
      const model = await load({ things: ['gauge'] }, { [call]: () => refused('UnauthorizedException') })
      expect(statusesOf(model, 'IOT')['IOT-01']).toBe('error')
    }
  )

  it('reads the targets of a policy to their end', async () => {
    const model = await load({ thingPolicies: ['devices'] })
    const targets = model.resources
      .filter(({ type }) => type === 'AWS::IoT::PolicyPrincipalAttachment')
      .map(({ properties }) => properties.Principal)
    expect(targets).toEqual([arn('iot', 'cert/1'), arn('iot', 'thinggroup/devices')])
    expect(statusesOf(model, 'IOT')['IOT-02']).toBe('fail')
  })

  it('tells a rule under the names of CloudFormation, with its role and its queue', async () => {
    const model = await load({ topicRules: ['orders'] })
    expect(find(model, 'IoT::TopicRule')!.properties.TopicRulePayload).toEqual({
      Actions: [{ Kinesis: { RoleArn: 'arn:aws:iam::111122223333:role/rule', StreamName: 'orders' } }],
      ErrorAction: { Sqs: { QueueUrl: 'https://sqs/refused', UseBase64: true } }
    })
    expect(find(model, 'IAM::Role', 'rule')).toBeDefined()
    expect(find(model, 'SQS::Queue', 'refused')!.properties.KmsMasterKeyId).toBe(keyArn)
  })

  it('leaves out endpoints that are disabled', async () => {
    const model = await load({ topicRules: ['orders'] })
    expect(find(model, 'IoT::DomainConfiguration', 'own')).toBeDefined()
    expect(find(model, 'IoT::DomainConfiguration', 'off')).toBeUndefined()
  })
})

describe('RDS', () => {
  it('tells an instance with the parameters that decide, and its groups', async () => {
    const model = await load({ databaseInstances: ['db'] })
    expect(find(model, 'RDS::DBInstance')!.properties).toEqual({
      DBInstanceIdentifier: 'db',
      Engine: 'postgres',
      StorageEncrypted: true,
      KmsKeyId: keyArn,
      EnableIAMDatabaseAuthentication: true,
      ManageMasterUserPassword: true,
      DBParameterGroupName: 'forced',
      PubliclyAccessible: false,
      VPCSecurityGroups: ['sg-db'],
      Port: 5432
    })
    expect(find(model, 'RDS::DBParameterGroup')!.properties.Parameters).toEqual({ 'rds.force_ssl': '1' })
    const ports = { IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432 }
    expect(find(model, 'EC2::SecurityGroup')!.properties.SecurityGroupIngress).toEqual([
      { ...ports, CidrIp: '10.0.0.0/8' },
      { ...ports, CidrIpv6: 'fd00::/8' },
      { ...ports, SourceSecurityGroupId: 'sg-workers' },
      { ...ports, SourcePrefixListId: 'pl-1' }
    ])
    expect(statusesOf(model, 'RDS')).toEqual({
      'RDS-01': 'pass',
      'RDS-02': 'pass',
      'RDS-03': 'fail',
      'RDS-04': 'pass'
    })
  })

  it('tells a cluster with its instances, and a parameter that is not set', async () => {
    const model = await load({ databaseClusters: ['ledger'] })
    expect(find(model, 'RDS::DBInstance', 'member')!.properties.DBClusterIdentifier).toBe('ledger')
    expect(find(model, 'RDS::DBClusterParameterGroup')!.properties.Parameters).toEqual({})
    expect(statusesOf(model, 'RDS')).toMatchObject({ 'RDS-01': 'fail', 'RDS-02': 'fail', 'RDS-04': 'fail' })
  })

  it('leaves parameters and groups undecided where they are refused', async () => {
    const denied = () => refused('AccessDenied')
    const model = await load(
      { databaseInstances: ['db'] },
      { 'rds:DescribeDBParameters': denied, 'ec2:DescribeSecurityGroups': denied }
    )
    expect(statusesOf(model, 'RDS')).toMatchObject({ 'RDS-02': 'error', 'RDS-03': 'error' })
  })
})

describe('Redshift', () => {
  it('tells a cluster with its logging and its parameters', async () => {
    const model = await load({ redshiftClusters: ['reports'] })
    expect(find(model, 'Redshift::Cluster')).toMatchObject({
      arn: arn('redshift', 'cluster:reports'),
      properties: { ManageMasterPassword: false, LoggingProperties: { LogDestinationType: 'cloudwatch' } }
    })
    expect(statusesOf(model, 'RS')).toEqual({
      'RS-01': 'pass',
      'RS-02': 'pass',
      'RS-03': 'pass',
      'RS-04': 'fail'
    })
  })

  it('tells apart that it does not log from that nobody may know', async () => {
    const logging = async (answer: () => unknown) =>
      find(
        await load({ redshiftClusters: ['reports'] }, { 'redshift:DescribeLoggingStatus': answer }),
        'Redshift::Cluster'
      )!.properties.LoggingProperties
    expect(await logging(() => ({ LoggingEnabled: false }))).toBeUndefined()
    expect(await logging(() => refused('AccessDenied'))).toBe(unknownValue)
  })
})

describe('OpenSearch', () => {
  it('tells a domain with its access policy and its log groups', async () => {
    const model = await load({ searchDomains: ['logs'] })
    expect(model.resourcePolicies.has(arn('es', 'domain/logs'))).toBe(true)
    expect(find(model, 'Logs::LogGroup', '/search')!.properties.KmsKeyId).toBe(keyArn)
    expect(statusesOf(model, 'OS')).toMatchObject({ 'OS-01': 'fail', 'OS-03': 'fail', 'OS-04': 'fail' })
  })
})

describe('Glue', () => {
  it('tells the settings of the catalog, and that it has no policy', async () => {
    const model = await load({ glueDatabases: ['orders'] })
    expect(
      find(model, 'Glue::DataCatalogEncryptionSettings')!.properties.DataCatalogEncryptionSettings
    ).toEqual({
      EncryptionAtRest: { CatalogEncryptionMode: 'SSE-KMS', SseAwsKmsKeyId: keyArn },
      ConnectionPasswordEncryption: { ReturnConnectionPasswordEncrypted: true, KmsKeyId: keyArn }
    })
    expect(statusesOf(model, 'GLU')).toMatchObject({ 'GLU-01': 'pass', 'GLU-04': 'fail' })
    const named = policy({ Principal: { AWS: 'arn:aws:iam::111122223333:root' }, Action: 'glue:*' })
    const withPolicy = await load(
      { glueDatabases: ['orders'] },
      { 'glue:GetResourcePolicy': () => ({ PolicyInJson: JSON.stringify(named) }) }
    )
    expect(statusesOf(withPolicy, 'GLU')['GLU-04']).toBe('pass')
  })

  it('follows jobs and crawlers to their security configurations', async () => {
    const model = await load({ glueJobs: ['load'], glueCrawlers: ['look'] })
    expect(find(model, 'Glue::SecurityConfiguration')!.id).toBe('encrypted')
    const findings = audit(model, catalogue).results.flatMap(({ control, findings }) =>
      control.id === 'GLU-02' ? findings : []
    )
    expect(Object.fromEntries(findings.map(({ resourceId, status }) => [resourceId, status]))).toEqual({
      encrypted: 'pass',
      load: 'pass',
      look: 'fail'
    })
  })

  it('never takes up a password, not even an encrypted one', async () => {
    const model = await load({ glueConnections: ['ledger'] })
    expect(JSON.stringify(model.resources)).not.toContain('c2VjcmV0')
    expect(statusesOf(model, 'GLU')['GLU-03']).toBe('fail')
  })
})
