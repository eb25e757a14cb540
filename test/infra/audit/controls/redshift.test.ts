import { redshiftControls } from '../../../../infra/audit/controls/redshift/index.ts'
import { describeControl, resource } from '../../../helpers/audit.ts'

const control = (id: string) => redshiftControls.find(each => each.id === id)!
const untold = { 'Fn::ImportValue': 'gone' }
const unset = { Ref: 'AWS::NoValue' }

const cluster = (properties: object = {}) =>
  resource('Redshift::Cluster', {
    ClusterIdentifier: 'orders',
    Encrypted: true,
    KmsKeyId: 'arn:aws:kms:us-east-1:123456789012:key/k',
    ClusterParameterGroupName: { Ref: 'Parameters' },
    EnhancedVpcRouting: true,
    PubliclyAccessible: false,
    VpcSecurityGroupIds: [{ Ref: 'Group' }],
    LoggingProperties: { BucketName: 'logs' },
    ManageMasterPassword: true,
    ...properties
  })
const parameters = (values: Readonly<Record<string, unknown>>) =>
  resource('Redshift::ClusterParameterGroup', {
    ParameterGroupFamily: 'redshift-1.0',
    Parameters: Object.entries(values).map(([ParameterName, ParameterValue]) => ({
      ParameterName,
      ParameterValue
    }))
  })

describeControl(control('RS-01'), [
  {
    title: 'passes with a customer-managed key',
    resources: { Cluster: cluster() },
    findings: { Cluster: 'pass' }
  },
  {
    title: 'fails for what is not encrypted, or with no key of its own',
    resources: { Plain: cluster({ Encrypted: false }), ByDefault: cluster({ KmsKeyId: unset }) },
    findings: { Plain: 'fail', ByDefault: 'fail' }
  },
  {
    title: 'leaves a classic HSM to people',
    resources: { Cluster: cluster({ HsmConfigurationIdentifier: 'hsm', KmsKeyId: unset }) },
    findings: { Cluster: 'manual' }
  },
  {
    title: 'does not decide on a key that cannot be told',
    resources: { Cluster: cluster({ KmsKeyId: untold }) },
    findings: { Cluster: 'error' }
  },
  { title: 'does not apply without clusters', resources: { S: resource('Kinesis::Stream') }, findings: {} }
])

describeControl(control('RS-02'), [
  {
    title: 'passes where the parameter group demands TLS',
    resources: { Cluster: cluster(), Parameters: parameters({ require_ssl: 'true' }) },
    findings: { Cluster: 'pass' }
  },
  {
    title: 'fails where it does not',
    resources: {
      Off: cluster(),
      Unset: cluster({ ClusterParameterGroupName: { Ref: 'Empty' } }),
      Parameters: parameters({ require_ssl: 'false' }),
      Empty: parameters({})
    },
    findings: { Off: 'fail', Unset: 'fail' }
  },
  {
    title: 'does not decide on a group that is not here, or a value that cannot be told',
    resources: {
      Default: cluster({ ClusterParameterGroupName: unset }),
      Untold: cluster(),
      Parameters: parameters({ require_ssl: untold })
    },
    findings: { Default: 'error', Untold: 'error' }
  }
])

const group = (...rules: readonly object[]) => resource('EC2::SecurityGroup', { SecurityGroupIngress: rules })
const range = (cidr: string, port = 5439) => ({
  IpProtocol: 'tcp',
  FromPort: port,
  ToPort: port,
  CidrIp: cidr
})

describeControl(control('RS-03'), [
  {
    title: 'passes for a private cluster with enhanced routing',
    resources: { Cluster: cluster() },
    findings: { Cluster: 'pass' }
  },
  {
    title: 'fails without enhanced routing, and for a public address that more than Firehose reaches',
    resources: {
      Routing: cluster({ EnhancedVpcRouting: unset }),
      Public: cluster({ PubliclyAccessible: true }),
      Group: group(range('52.70.63.192/27'), range('10.0.0.0/8'))
    },
    findings: { Routing: 'fail', Public: 'fail' }
  },
  {
    title: 'leaves to people whether the one range is that of Firehose',
    resources: { Cluster: cluster({ PubliclyAccessible: 'true' }), Group: group(range('52.70.63.192/27')) },
    findings: { Cluster: 'manual' },
    evidence: /public address for 52\.70\.63\.192\/27 alone/
  },
  {
    title: 'takes no named group for a range',
    resources: {
      Cluster: cluster({ PubliclyAccessible: true }),
      Group: group(range('52.70.63.192/27'), {
        IpProtocol: 'tcp',
        FromPort: 5439,
        ToPort: 5439,
        SourceSecurityGroupId: 'sg-workers'
      })
    },
    findings: { Cluster: 'manual' }
  },
  {
    title: 'fails where that range reaches other ports',
    resources: {
      Cluster: cluster({ PubliclyAccessible: true, Port: 5440 }),
      Group: group(range('52.70.63.192/27'))
    },
    findings: { Cluster: 'fail' }
  },
  {
    title: 'does not decide on what is not set, or cannot be told',
    resources: {
      Unset: cluster({ PubliclyAccessible: unset }),
      Untold: cluster({ PubliclyAccessible: untold }),
      Elsewhere: cluster({ PubliclyAccessible: true, VpcSecurityGroupIds: ['sg-other'] }),
      Groups: cluster({ PubliclyAccessible: true, VpcSecurityGroupIds: untold }),
      Rules: cluster({ PubliclyAccessible: true }),
      Group: resource('EC2::SecurityGroup', { SecurityGroupIngress: untold })
    },
    findings: { Unset: 'error', Untold: 'error', Elsewhere: 'error', Groups: 'error', Rules: 'error' }
  }
])

const logged = parameters({ enable_user_activity_logging: 'true' })
const delivery = (url: unknown) =>
  resource('KinesisFirehose::DeliveryStream', { RedshiftDestinationConfiguration: { ClusterJDBCURL: url } })

describeControl(control('RS-04'), [
  {
    title: 'passes with logs and a managed password',
    resources: { Cluster: cluster(), Parameters: logged },
    findings: { Cluster: 'pass' }
  },
  {
    title:
      'fails without logs, without activity in them, and with a password in the template, which is never told',
    resources: {
      Logs: cluster({ LoggingProperties: unset }),
      Activity: cluster({ ClusterParameterGroupName: { Ref: 'Silent' } }),
      Inline: cluster({ MasterUserPassword: 'hunter2' }),
      Unmanaged: cluster({ ManageMasterPassword: false }),
      Parameters: logged,
      Silent: parameters({})
    },
    findings: { Logs: 'fail', Activity: 'fail', Inline: 'fail', Unmanaged: 'fail' },
    evidence: /^(?![\s\S]*hunter2)/
  },
  {
    title: 'leaves to people what the user of Firehose may do in it',
    resources: {
      Cluster: cluster(),
      Parameters: logged,
      Delivery: delivery('jdbc:redshift://orders.abc.us-east-1.redshift.amazonaws.com:5439/dev')
    },
    findings: { Cluster: 'manual' }
  },
  {
    title: 'asks nothing of a cluster that Firehose does not load',
    resources: {
      Cluster: cluster(),
      Parameters: logged,
      Delivery: delivery('jdbc:redshift://others.abc.us-east-1.redshift.amazonaws.com:5439/dev')
    },
    findings: { Cluster: 'pass' }
  },
  {
    title: 'does not decide on what cannot be told',
    resources: {
      Logs: cluster({ LoggingProperties: untold }),
      Group: cluster({ ClusterParameterGroupName: untold }),
      Parameters: logged
    },
    findings: { Logs: 'error', Group: 'error' }
  }
])
