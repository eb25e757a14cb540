import type { Control } from '../../control.ts'
import { demand, judge, type Problem, toConfirm, unknown, wrong } from '../../judge.ts'
import { type AuditModel, type AuditResource, unknownValue } from '../../model.ts'
import { isTrue, listAt, valueAt } from '../../readers.ts'
import { groupFor, ingressOf, portProblems } from '../../security-groups.ts'
import { clustersOf, portOf } from './clusters.ts'

export const rs03: Control = {
  id: 'RS-03',
  severity: 'high',
  title:
    'Clusters of Redshift are private, or open to the range of Firehose alone, and copy through their VPC.',
  rationale:
    'Firehose reaches a provisioned cluster from a range of addresses that each region has: that is a reason for a public ' +
    'address, and none for letting in any other. Without enhanced routing what is copied goes past the endpoints.',
  fix:
    'Set EnhancedVpcRouting, and PubliclyAccessible to false; or admit the /27 range of Firehose alone, and attest that it ' +
    'is the one of the region.',
  kind: 'resources',
  sources: {
    securityHub: ['Redshift.1', 'Redshift.7'],
    cdkNag: ['RS8'],
    checkov: ['CKV_AWS_87']
  },
  reads: ['redshift:DescribeClusters', 'ec2:DescribeSecurityGroups'],
  evaluate: model =>
    clustersOf(model).map(cluster =>
      judge(
        cluster,
        [
          demand(
            'EnhancedVpcRouting',
            cluster.properties.EnhancedVpcRouting,
            isTrue,
            'what it copies goes past its VPC'
          ),
          ...publicProblems(model, cluster)
        ],
        'private, and copies through its VPC'
      )
    )
}

function publicProblems(model: AuditModel, cluster: AuditResource): readonly Problem[] {
  const { PubliclyAccessible: value } = cluster.properties
  if (value === undefined)
    return [unknown('PubliclyAccessible is not set: its default has changed over time')]
  if (value === unknownValue) return [unknown('PubliclyAccessible cannot be told')]
  return isTrue(value) ? rangeProblems(model, cluster) : []
}

/** A public cluster may let in one range of 32 addresses, as Firehose has it in each region. */
function rangeProblems(model: AuditModel, cluster: AuditResource): readonly Problem[] {
  const references = listAt(cluster.properties, 'VpcSecurityGroupIds')
  if (references === unknownValue) return [unknown('its security groups cannot be told')]
  const groups = references.map(reference => groupFor(model, reference))
  if (groups.length === 0 || groups.includes(undefined)) {
    return [unknown('it has a public address, and a security group that is not here')]
  }
  const rules = groups.flatMap(group => ingressOf(model, group!).map(rule => ({ group: group!, rule })))
  // Whoever is in a named group comes by the VPC, not by the public address.
  const fromOutside = rules.filter(({ rule }) => valueAt(rule, 'SourceSecurityGroupId') === undefined)
  const ranges = [...new Set(fromOutside.map(({ rule }) => valueAt(rule, 'CidrIp')))]
  if (rules.some(({ rule }) => rule === unknownValue) || ranges.includes(unknownValue)) {
    return [unknown('it has a public address, and whom it lets in cannot be told')]
  }
  const [range] = ranges
  return ranges.length === 1 && /\/27$/.test(String(range))
    ? [
        ...rules.flatMap(({ group, rule }) => portProblems(group, rule, portOf(cluster))),
        toConfirm(
          `it has a public address for ${String(range)} alone: see that this is the range of Firehose`
        )
      ]
    : [wrong('it has a public address, not for the range of Firehose alone')]
}
