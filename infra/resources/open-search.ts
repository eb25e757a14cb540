import type { ResolvedOpenSearch, ResolvedPlan } from '../../pipeline/plan.ts'
import { attributeOf } from '../placeholders.ts'
import { keyArn, logGroupArn } from '../plan-arns.ts'
import { openSearchLogs } from '../plan-services.ts'
import { domainLogPolicy, domainPolicy } from '../policies/open-search.ts'
import { after, retained, type TemplateResource, type TemplateResources } from '../template.ts'

export const domainId = 'OpenSearchDomain'
const securityGroupId = 'OpenSearchSecurityGroup'
const logPolicyId = 'OpenSearchLogPolicy'

/** A domain that speaks TLS alone, knows roles and no users, and is reached by the workload alone. */
export function openSearchResources(plan: ResolvedPlan): TemplateResources {
  const { network, services } = plan
  const { openSearch } = services
  if (openSearch === undefined || network === undefined) return {}
  return {
    [securityGroupId]: {
      Type: 'AWS::EC2::SecurityGroup',
      Properties: {
        GroupDescription: `OpenSearch of ${plan.name}`,
        VpcId: network.vpcId,
        SecurityGroupIngress: network.securityGroupIds.map(id => ({
          Description: 'HTTPS from the workload, and from Firehose in its groups',
          IpProtocol: 'tcp',
          FromPort: 443,
          ToPort: 443,
          SourceSecurityGroupId: id
        })),
        // A domain opens no connections; without a rule CloudFormation would allow all.
        SecurityGroupEgress: [
          { Description: 'None', IpProtocol: 'icmp', FromPort: 252, ToPort: 86, CidrIp: '255.255.255.255/32' }
        ]
      }
    },
    [logPolicyId]: {
      Type: 'AWS::Logs::ResourcePolicy',
      Properties: {
        PolicyName: `${openSearch.name}-search`,
        PolicyDocument: JSON.stringify(domainLogPolicy(openSearch))
      }
    },
    [domainId]: domain(plan, openSearch)
  }
}

function domain(plan: ResolvedPlan, openSearch: ResolvedOpenSearch): TemplateResource {
  const { name, version, instanceType, instances, volumeGiB, masterRoleArn } = openSearch
  const logs = openSearchLogs(openSearch)
  return {
    Type: 'AWS::OpenSearchService::Domain',
    ...retained,
    ...after(logPolicyId, ...logs.map(({ logicalId }) => logicalId)),
    Properties: {
      DomainName: name,
      EngineVersion: version,
      ClusterConfig: {
        InstanceType: instanceType,
        InstanceCount: instances,
        ZoneAwarenessEnabled: true,
        ZoneAwarenessConfig: { AvailabilityZoneCount: 2 },
        DedicatedMasterEnabled: true,
        DedicatedMasterCount: 3,
        DedicatedMasterType: instanceType
      },
      EBSOptions: { EBSEnabled: true, VolumeType: 'gp3', VolumeSize: volumeGiB },
      EncryptionAtRestOptions: { Enabled: true, KmsKeyId: keyArn(plan, 'sink') },
      NodeToNodeEncryptionOptions: { Enabled: true },
      DomainEndpointOptions: { EnforceHTTPS: true, TLSSecurityPolicy: 'Policy-Min-TLS-1-2-PFS-2023-10' },
      VPCOptions: {
        SubnetIds: plan.network!.subnetIds.slice(0, 2),
        SecurityGroupIds: [attributeOf(securityGroupId, 'GroupId')]
      },
      AdvancedSecurityOptions: {
        Enabled: true,
        InternalUserDatabaseEnabled: false,
        MasterUserOptions: { MasterUserARN: masterRoleArn }
      },
      AccessPolicies: domainPolicy(plan, openSearch),
      LogPublishingOptions: Object.fromEntries(
        logs.map(({ type, name: group }) => [
          type,
          { Enabled: true, CloudWatchLogsLogGroupArn: logGroupArn(group) }
        ])
      )
    }
  }
}
