import {
  gatewayEndpoints,
  type PlanEndpoint,
  type ResolvedNetwork,
  type ResolvedPlan
} from '../../pipeline/plan.ts'
import { attributeOf, region } from '../placeholders.ts'
import { endpointId } from '../policies/conditions.ts'
import { endpointPolicy } from '../policies/endpoint.ts'
import type { PolicyDocument } from '../policy-document.ts'
import type { TemplateResource, TemplateResources } from '../template.ts'

const securityGroupId = 'EndpointSecurityGroup'

/** The endpoints of the plan's VPC, each with a policy of this pipeline alone. */
export function endpointResources(plan: ResolvedPlan): TemplateResources {
  const { network } = plan
  if (network === undefined) return {}
  const endpoints = network.endpoints.flatMap(name => {
    const policy = endpointPolicy(plan, name)
    return policy === undefined ? [] : [[endpointId(name), endpoint(network, name, policy)] as const]
  })
  const hasInterfaces = network.endpoints.some(name => !gatewayEndpoints.includes(name))
  return {
    ...(hasInterfaces ? { [securityGroupId]: securityGroup(plan, network) } : {}),
    ...Object.fromEntries(endpoints)
  }
}

function endpoint(network: ResolvedNetwork, name: PlanEndpoint, policy: PolicyDocument): TemplateResource {
  const shared = {
    VpcId: network.vpcId,
    ServiceName: `com.amazonaws.${region}.${name}`,
    PolicyDocument: policy
  }
  return {
    Type: 'AWS::EC2::VPCEndpoint',
    Properties: gatewayEndpoints.includes(name)
      ? { ...shared, VpcEndpointType: 'Gateway', RouteTableIds: network.routeTableIds }
      : {
          ...shared,
          VpcEndpointType: 'Interface',
          PrivateDnsEnabled: true,
          SubnetIds: network.subnetIds,
          SecurityGroupIds: [attributeOf(securityGroupId, 'GroupId')]
        }
  }
}

function securityGroup({ name }: ResolvedPlan, network: ResolvedNetwork): TemplateResource {
  return {
    Type: 'AWS::EC2::SecurityGroup',
    Properties: {
      GroupDescription: `Endpoints of ${name}`,
      VpcId: network.vpcId,
      SecurityGroupIngress: network.securityGroupIds.map(id => ({
        Description: 'HTTPS from the workload',
        IpProtocol: 'tcp',
        FromPort: 443,
        ToPort: 443,
        SourceSecurityGroupId: id
      })),
      // An endpoint opens no connections; without a rule CloudFormation would allow all.
      SecurityGroupEgress: [
        { Description: 'None', IpProtocol: 'icmp', FromPort: 252, ToPort: 86, CidrIp: '255.255.255.255/32' }
      ]
    }
  }
}
