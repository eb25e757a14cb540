import { policy, resource } from '../helpers/audit.ts'

const at = 'us-east-1:123456789012'
const arnOf = (id: string, attribute = 'Arn') => ({ 'Fn::GetAtt': [id, attribute] })
const thingName = '${iot:Connection.Thing.ThingName}'

const trust = (service: string, sourceArn: string) =>
  policy({
    Principal: { Service: service },
    Action: 'sts:AssumeRole',
    Resource: undefined,
    Condition: {
      StringEquals: { 'aws:SourceAccount': '123456789012' },
      ArnLike: { 'aws:SourceArn': sourceArn }
    }
  })
const group = (port: number) =>
  resource('EC2::SecurityGroup', {
    GroupDescription: 'databases',
    SecurityGroupIngress: [
      { IpProtocol: 'tcp', FromPort: port, ToPort: port, SourceSecurityGroupId: 'sg-workers' }
    ]
  })
const publishing = { CloudWatchLogsLogGroupArn: arnOf('SearchLogs'), Enabled: true }

/** A template with every service that stands beside a pipeline, each as its controls want it. */
export const neighboursTemplate = {
  Resources: {
    Stream: resource('Kinesis::Stream', { Name: 'orders' }),
    Refused: resource('SQS::Queue', { QueueName: 'refused', KmsMasterKeyId: arnOf('NeighbourKey') }),
    NeighbourKey: resource('KMS::Key', {
      KeyPolicy: policy({
        Principal: {
          Service: ['kinesisanalytics.amazonaws.com', 'infrastructure.kinesisanalytics.amazonaws.com']
        },
        Action: ['kms:Decrypt', 'kms:GenerateDataKey'],
        Condition: {
          ArnEquals: { 'aws:SourceArn': `arn:aws:kinesisanalytics:${at}:application/count` }
        }
      })
    }),
    Cluster: resource('CloudHSM::Cluster', {
      HsmType: 'hsm2m.medium',
      Mode: 'FIPS',
      SubnetIds: ['subnet-a', 'subnet-b'],
      BackupRetentionPolicy: { Type: 'DAYS', Value: '90' },
      Tags: [{ Key: 'key-origin', Value: 'AWS_CLOUDHSM' }]
    }),
    Application: resource('KinesisAnalyticsV2::Application', {
      ApplicationName: 'count',
      RuntimeEnvironment: 'FLINK-1_20',
      ServiceExecutionRole: arnOf('ApplicationRole'),
      ApplicationConfiguration: {
        ApplicationEncryptionConfiguration: {
          KeyType: 'CUSTOMER_MANAGED_KEY',
          KeyId: arnOf('NeighbourKey')
        },
        FlinkApplicationConfiguration: { CheckpointConfiguration: { ConfigurationType: 'DEFAULT' } }
      }
    }),
    ApplicationRole: resource('IAM::Role', {
      AssumeRolePolicyDocument: trust(
        'kinesisanalytics.amazonaws.com',
        `arn:aws:kinesisanalytics:${at}:application/count`
      ),
      Policies: [
        {
          PolicyName: 'own',
          PolicyDocument: policy({ Action: 'kinesis:GetRecords', Resource: arnOf('Stream') })
        }
      ]
    }),
    Gauge: resource('IoT::Thing', { ThingName: 'gauge' }),
    Certificate: resource('IoT::Certificate', { Status: 'ACTIVE' }),
    OfGauge: resource('IoT::ThingPrincipalAttachment', {
      ThingName: { Ref: 'Gauge' },
      Principal: arnOf('Certificate')
    }),
    Devices: resource('IoT::ThingGroup', { ThingGroupName: 'devices' }),
    DevicePolicy: resource('IoT::Policy', {
      PolicyName: 'devices',
      PolicyDocument: policy(
        { Action: 'iot:Connect', Resource: `arn:aws:iot:${at}:client/${thingName}` },
        { Action: 'iot:Publish', Resource: `arn:aws:iot:${at}:topic/orders/${thingName}` }
      )
    }),
    OfDevices: resource('IoT::PolicyPrincipalAttachment', {
      PolicyName: { Ref: 'DevicePolicy' },
      Principal: arnOf('Devices')
    }),
    Rule: resource('IoT::TopicRule', {
      TopicRulePayload: {
        Sql: "SELECT * FROM 'orders/+'",
        Actions: [{ Kinesis: { RoleArn: arnOf('RuleRole'), StreamName: { Ref: 'Stream' } } }],
        ErrorAction: { Sqs: { QueueUrl: { Ref: 'Refused' }, RoleArn: arnOf('RuleRole') } }
      }
    }),
    RuleRole: resource('IAM::Role', {
      AssumeRolePolicyDocument: trust('iot.amazonaws.com', `arn:aws:iot:${at}:rule/*`),
      Policies: [
        {
          PolicyName: 'own',
          PolicyDocument: policy(
            { Action: 'kinesis:PutRecord', Resource: arnOf('Stream') },
            { Action: 'sqs:SendMessage', Resource: arnOf('Refused') }
          )
        }
      ]
    }),
    DeviceEncryption: resource('IoT::EncryptionConfiguration', {
      EncryptionType: 'CUSTOMER_MANAGED_KMS_KEY',
      KmsKeyArn: arnOf('NeighbourKey'),
      KmsAccessRoleArn: arnOf('RuleRole')
    }),
    DeviceEndpoint: resource('IoT::DomainConfiguration', {
      ServiceType: 'DATA',
      TlsConfig: { SecurityPolicy: 'IoTSecurityPolicy_TLS13_1_2_2022_10' }
    }),
    Database: resource('RDS::DBInstance', {
      Engine: 'postgres',
      StorageEncrypted: true,
      KmsKeyId: arnOf('NeighbourKey'),
      DBParameterGroupName: { Ref: 'DatabaseParameters' },
      PubliclyAccessible: false,
      VPCSecurityGroups: [arnOf('DatabaseGroup', 'GroupId')],
      EnableIAMDatabaseAuthentication: true,
      ManageMasterUserPassword: true
    }),
    DatabaseParameters: resource('RDS::DBParameterGroup', { Parameters: { 'rds.force_ssl': '1' } }),
    DatabaseGroup: group(5432),
    Warehouse: resource('Redshift::Cluster', {
      Encrypted: true,
      KmsKeyId: arnOf('NeighbourKey'),
      ClusterParameterGroupName: { Ref: 'WarehouseParameters' },
      EnhancedVpcRouting: true,
      PubliclyAccessible: false,
      LoggingProperties: { BucketName: 'logs' },
      ManageMasterPassword: true
    }),
    WarehouseParameters: resource('Redshift::ClusterParameterGroup', {
      Parameters: [
        { ParameterName: 'require_ssl', ParameterValue: 'true' },
        { ParameterName: 'enable_user_activity_logging', ParameterValue: 'true' }
      ]
    }),
    Search: resource('OpenSearchService::Domain', {
      EncryptionAtRestOptions: { Enabled: true, KmsKeyId: arnOf('NeighbourKey') },
      NodeToNodeEncryptionOptions: { Enabled: true },
      DomainEndpointOptions: { EnforceHTTPS: true, TLSSecurityPolicy: 'Policy-Min-TLS-1-2-PFS-2023-10' },
      VPCOptions: { SubnetIds: ['subnet-a'] },
      AdvancedSecurityOptions: {
        Enabled: true,
        MasterUserOptions: { MasterUserARN: 'arn:aws:iam::123456789012:role/search' }
      },
      AccessPolicies: policy({
        Principal: { AWS: 'arn:aws:iam::123456789012:role/search' },
        Action: 'es:ESHttp*'
      }),
      LogPublishingOptions: { AUDIT_LOGS: publishing, ES_APPLICATION_LOGS: publishing }
    }),
    SearchLogs: resource('Logs::LogGroup', {
      LogGroupName: '/search',
      KmsKeyId: arnOf('NeighbourKey'),
      RetentionInDays: 30
    }),
    Catalog: resource('Glue::DataCatalogEncryptionSettings', {
      CatalogId: { Ref: 'AWS::AccountId' },
      DataCatalogEncryptionSettings: {
        EncryptionAtRest: { CatalogEncryptionMode: 'SSE-KMS', SseAwsKmsKeyId: arnOf('NeighbourKey') },
        ConnectionPasswordEncryption: {
          ReturnConnectionPasswordEncrypted: true,
          KmsKeyId: arnOf('NeighbourKey')
        }
      }
    }),
    Configuration: resource('Glue::SecurityConfiguration', {
      Name: 'orders',
      EncryptionConfiguration: {
        S3Encryptions: [{ S3EncryptionMode: 'SSE-KMS', KmsKeyArn: arnOf('NeighbourKey') }],
        CloudWatchEncryption: { CloudWatchEncryptionMode: 'SSE-KMS', KmsKeyArn: arnOf('NeighbourKey') },
        JobBookmarksEncryption: { JobBookmarksEncryptionMode: 'CSE-KMS', KmsKeyArn: arnOf('NeighbourKey') }
      }
    }),
    Job: resource('Glue::Job', { SecurityConfiguration: { Ref: 'Configuration' } }),
    Crawler: resource('Glue::Crawler', { CrawlerSecurityConfiguration: 'orders' }),
    Connection: resource('Glue::Connection', {
      ConnectionInput: {
        ConnectionType: 'JDBC',
        ConnectionProperties: { JDBC_ENFORCE_SSL: 'true', SECRET_ID: 'orders-rds' }
      }
    })
  }
}
