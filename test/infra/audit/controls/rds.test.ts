import { rdsControls } from '../../../../infra/audit/controls/rds/index.ts'
import { describeControl, resource } from '../../../helpers/audit.ts'

const control = (id: string) => rdsControls.find(each => each.id === id)!
const untold = { 'Fn::ImportValue': 'gone' }
const unset = { Ref: 'AWS::NoValue' }
const keyArn = 'arn:aws:kms:us-east-1:123456789012:key/k'

const instance = (properties: object = {}) =>
  resource('RDS::DBInstance', {
    Engine: 'postgres',
    StorageEncrypted: true,
    KmsKeyId: keyArn,
    DBParameterGroupName: { Ref: 'Parameters' },
    PubliclyAccessible: false,
    VPCSecurityGroups: [{ 'Fn::GetAtt': ['Group', 'GroupId'] }],
    EnableIAMDatabaseAuthentication: true,
    ManageMasterUserPassword: true,
    ...properties
  })
const cluster = (properties: object = {}) =>
  resource('RDS::DBCluster', {
    Engine: 'aurora-mysql',
    StorageEncrypted: 'true',
    KmsKeyId: keyArn,
    DBClusterParameterGroupName: { Ref: 'ClusterParameters' },
    VpcSecurityGroupIds: [{ 'Fn::GetAtt': ['Group', 'GroupId'] }],
    Port: 3306,
    EnableIAMDatabaseAuthentication: true,
    ManageMasterUserPassword: true,
    ...properties
  })
const member = (properties: object = {}) =>
  resource('RDS::DBInstance', {
    Engine: 'aurora-mysql',
    DBClusterIdentifier: { Ref: 'Cluster' },
    PubliclyAccessible: false,
    ...properties
  })

describeControl(control('RDS-01'), [
  {
    title: 'passes with a customer-managed key, which instances of a cluster have from it',
    resources: { Instance: instance(), Cluster: cluster(), Member: member() },
    findings: { Instance: 'pass', Cluster: 'pass' }
  },
  {
    title: 'fails for what is not encrypted, and for keys of AWS',
    resources: {
      Plain: instance({ StorageEncrypted: false }),
      ByDefault: cluster({ StorageEncrypted: unset, KmsKeyId: unset }),
      OfAws: instance({ KmsKeyId: 'alias/aws/rds' })
    },
    findings: { Plain: 'fail', ByDefault: 'fail', OfAws: 'fail' }
  },
  {
    title: 'does not decide on a key that cannot be told, or is that of a snapshot or a source',
    resources: {
      Untold: instance({ KmsKeyId: untold }),
      Replica: instance({ SourceDBInstanceIdentifier: 'other', KmsKeyId: unset }),
      Restored: cluster({ SnapshotIdentifier: 's', KmsKeyId: unset })
    },
    findings: { Untold: 'error', Replica: 'error', Restored: 'error' }
  },
  { title: 'does not apply without databases', resources: { S: resource('Kinesis::Stream') }, findings: {} }
])

const parameters = (values: unknown) => resource('RDS::DBParameterGroup', { Parameters: values })
const clusterParameters = (values: unknown) =>
  resource('RDS::DBClusterParameterGroup', { Parameters: values })

describeControl(control('RDS-02'), [
  {
    title: 'passes where the server forces TLS, in the group of the instance or of the cluster',
    resources: {
      Instance: instance(),
      Text: instance({ DBParameterGroupName: 'named' }),
      Cluster: cluster(),
      Member: member(),
      SqlServer: instance({ Engine: 'sqlserver-se' }),
      Parameters: parameters({ 'rds.force_ssl': 1 }),
      Named: resource('RDS::DBParameterGroup', {
        DBParameterGroupName: 'named',
        Parameters: { 'rds.force_ssl': '1' }
      }),
      ClusterParameters: clusterParameters({ require_secure_transport: 'ON' })
    },
    findings: { Instance: 'pass', Text: 'pass', Cluster: 'pass', SqlServer: 'pass' }
  },
  {
    title: 'fails where it does not, or where the parameter of another engine is set',
    resources: {
      Off: instance(),
      Cluster: cluster(),
      Parameters: parameters({ 'rds.force_ssl': '0' }),
      ClusterParameters: clusterParameters({ 'rds.force_ssl': '1' })
    },
    findings: { Off: 'fail', Cluster: 'fail' },
    evidence:
      /^require_secure_transport is not on in ClusterParameters\nrds\.force_ssl is not on in Parameters$/
  },
  {
    title: 'does not decide on a group that is not here, a value that cannot be told, or an unknown engine',
    resources: {
      Default: instance({ DBParameterGroupName: unset }),
      Untold: instance(),
      Engine: instance({ Engine: untold }),
      Parameters: parameters({ 'rds.force_ssl': untold })
    },
    findings: { Default: 'error', Untold: 'error', Engine: 'error' }
  },
  {
    title: 'leaves to people an engine that forces TLS by an option of its own',
    resources: { Oracle: instance({ Engine: 'oracle-ee' }) },
    findings: { Oracle: 'manual' }
  }
])

const group = (...rules: readonly object[]) =>
  resource('EC2::SecurityGroup', { GroupDescription: 'g', SecurityGroupIngress: rules })
const fromGroup = (port: number) => ({
  IpProtocol: 'tcp',
  FromPort: port,
  ToPort: port,
  SourceSecurityGroupId: 'sg-workers'
})

describeControl(control('RDS-03'), [
  {
    title: 'passes for a private database with named groups at its port',
    resources: { Instance: instance(), Group: group(fromGroup(5432)) },
    findings: { Instance: 'pass' }
  },
  {
    title: 'takes the port of the cluster, and asks its instances whether they are private',
    resources: {
      Cluster: cluster(),
      Private: member(),
      Public: member({ PubliclyAccessible: 'true' }),
      Group: group(fromGroup(3306))
    },
    findings: { Cluster: 'pass', Private: 'pass', Public: 'fail' }
  },
  {
    title: 'fails for a public address, a range of addresses, and another port',
    resources: {
      Public: instance({ PubliclyAccessible: true }),
      Range: instance({ VPCSecurityGroups: [{ Ref: 'RangeGroup' }] }),
      Ports: instance({ VPCSecurityGroups: [{ Ref: 'PortGroup' }] }),
      Group: group(fromGroup(5432)),
      RangeGroup: group({ IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432, CidrIp: '10.0.0.0/8' }),
      PortGroup: group({ ...fromGroup(5432), ToPort: 5433 })
    },
    findings: { Public: 'fail', Range: 'fail', Ports: 'fail' },
    evidence:
      /public address\nRangeGroup lets in addresses, not groups\nPortGroup lets in more than port 5432/
  },
  {
    title: 'sees a rule that stands beside its group',
    resources: {
      Instance: instance(),
      Group: group(),
      Rule: resource('EC2::SecurityGroupIngress', {
        GroupId: { Ref: 'Group' },
        IpProtocol: '-1',
        CidrIpv6: '::/0'
      })
    },
    findings: { Instance: 'fail' },
    evidence: /^Group lets in every address; Group lets in more than port 5432$/
  },
  {
    title: 'does not decide on groups that are not here, rules that cannot be told, or what the VPC decides',
    resources: {
      Elsewhere: instance({ VPCSecurityGroups: ['sg-other'] }),
      Default: instance({ VPCSecurityGroups: unset }),
      Groups: instance({ VPCSecurityGroups: untold }),
      Rules: instance({ VPCSecurityGroups: [{ Ref: 'UntoldGroup' }] }),
      Access: instance({ PubliclyAccessible: unset }),
      Group: group(fromGroup(5432)),
      UntoldGroup: resource('EC2::SecurityGroup', { SecurityGroupIngress: untold })
    },
    findings: { Elsewhere: 'error', Default: 'error', Groups: 'error', Rules: 'error', Access: 'error' }
  }
])

describeControl(control('RDS-04'), [
  {
    title: 'passes with authentication by IAM and a managed password',
    resources: {
      Instance: instance(),
      MariaDb: instance({ Engine: 'mariadb' }),
      Cluster: cluster(),
      Reference: instance({
        ManageMasterUserPassword: unset,
        MasterUserPassword: '{{resolve:secretsmanager:orders:SecretString:password}}'
      })
    },
    findings: { Instance: 'pass', MariaDb: 'pass', Cluster: 'pass', Reference: 'pass' }
  },
  {
    title: 'asks no more of an engine without authentication by IAM',
    resources: { SqlServer: instance({ Engine: 'sqlserver-se', EnableIAMDatabaseAuthentication: unset }) },
    findings: { SqlServer: 'pass' },
    evidence: /its engine has no authentication by IAM/
  },
  {
    title: 'fails for passwords alone, and for one in the template, which is never told',
    resources: {
      Passwords: instance({ EnableIAMDatabaseAuthentication: false }),
      Inline: instance({ MasterUserPassword: 'hunter2' }),
      Parameter: instance({ MasterUserPassword: untold }),
      Unmanaged: cluster({ ManageMasterUserPassword: unset })
    },
    findings: { Passwords: 'fail', Inline: 'fail', Parameter: 'fail', Unmanaged: 'fail' },
    evidence: /^(?![\s\S]*hunter2)/
  },
  {
    title: 'does not decide on an unknown engine, a value that cannot be told, or a copy',
    resources: {
      Engine: instance({ Engine: untold }),
      Untold: instance({ EnableIAMDatabaseAuthentication: untold }),
      Copy: instance({ DBSnapshotIdentifier: 's', ManageMasterUserPassword: unset })
    },
    findings: { Engine: 'error', Untold: 'error', Copy: 'error' }
  }
])
