import type { ResolvedPlan, ResolvedRedshift } from '../../pipeline/plan.ts'
import { attributeOf, refTo } from '../placeholders.ts'
import { keyArn } from '../plan-arns.ts'
import { redshiftClusterId, redshiftLogs } from '../plan-services.ts'
import { retained, type TemplateResource, type TemplateResources } from '../template.ts'

// Not the port by default, which is the first to be tried.
const port = 5_440
const [subnetGroupId, parametersId, securityGroupId] = [
  'RedshiftSubnetGroup',
  'RedshiftParameters',
  'RedshiftSecurityGroup'
] as const

/** A cluster that speaks TLS alone, with the workload as its neighbour. */
export function redshiftResources(plan: ResolvedPlan): TemplateResources {
  const { network, services } = plan
  const { redshift } = services
  if (redshift === undefined || network === undefined) return {}
  return {
    [subnetGroupId]: {
      Type: 'AWS::Redshift::ClusterSubnetGroup',
      Properties: { Description: `Cluster of ${plan.name}`, SubnetIds: network.subnetIds }
    },
    [parametersId]: {
      Type: 'AWS::Redshift::ClusterParameterGroup',
      Properties: {
        Description: `Cluster of ${plan.name}`,
        ParameterGroupFamily: 'redshift-1.0',
        Parameters: [
          { ParameterName: 'require_ssl', ParameterValue: 'true' },
          { ParameterName: 'enable_user_activity_logging', ParameterValue: 'true' }
        ]
      }
    },
    [securityGroupId]: securityGroup(plan.name, network, redshift),
    [redshiftClusterId]: cluster(plan, redshift)
  }
}

function cluster(plan: ResolvedPlan, redshift: ResolvedRedshift): TemplateResource {
  return {
    Type: 'AWS::Redshift::Cluster',
    ...retained,
    DependsOn: redshiftLogs(redshift).map(({ logicalId }) => logicalId),
    Properties: {
      ClusterIdentifier: redshift.name,
      ClusterType: 'multi-node',
      NodeType: redshift.nodeType,
      NumberOfNodes: redshift.nodes,
      DBName: redshift.database,
      MasterUsername: redshift.masterUsername,
      ManageMasterPassword: true,
      MasterPasswordSecretKmsKeyId: keyArn(plan, 'state'),
      Encrypted: true,
      KmsKeyId: keyArn(plan, 'sink'),
      Port: port,
      ClusterSubnetGroupName: refTo(subnetGroupId),
      ClusterParameterGroupName: refTo(parametersId),
      VpcSecurityGroupIds: [attributeOf(securityGroupId, 'GroupId')],
      PubliclyAccessible: redshift.firehoseCidr !== undefined,
      EnhancedVpcRouting: true,
      AllowVersionUpgrade: true,
      AutomatedSnapshotRetentionPeriod: 7,
      LoggingProperties: {
        LogDestinationType: 'cloudwatch',
        LogExports: ['connectionlog', 'userlog', 'useractivitylog']
      }
    }
  }
}

function securityGroup(
  name: string,
  network: NonNullable<ResolvedPlan['network']>,
  { firehoseCidr }: ResolvedRedshift
): TemplateResource {
  const rule = { IpProtocol: 'tcp', FromPort: port, ToPort: port } as const
  return {
    Type: 'AWS::EC2::SecurityGroup',
    Properties: {
      GroupDescription: `Redshift of ${name}`,
      VpcId: network.vpcId,
      SecurityGroupIngress: [
        ...network.securityGroupIds.map(id => ({
          Description: 'Queries of the workload',
          ...rule,
          SourceSecurityGroupId: id
        })),
        ...(firehoseCidr === undefined
          ? []
          : [{ Description: 'COPY by Firehose', ...rule, CidrIp: firehoseCidr }])
      ],
      SecurityGroupEgress: [
        { Description: 'Objects of S3', IpProtocol: 'tcp', FromPort: 443, ToPort: 443, CidrIp: '0.0.0.0/0' }
      ]
    }
  }
}
