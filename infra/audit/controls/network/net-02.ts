import type { Control } from '../../control.ts'
import { demand, judge, type Problem, unknown, wrong } from '../../judge.ts'
import { type AuditModel, type AuditResource, unknownValue } from '../../model.ts'
import { isTrue, knownListAt, listAt, numberOf, resourcesOf, valueAt } from '../../readers.ts'
import { groupFor, ingressOf, isOpenToAll } from '../../security-groups.ts'

const httpsPort = 443

export const net02: Control = {
  id: 'NET-02',
  severity: 'low',
  title:
    'Interface endpoints have private DNS, stand in two zones, and admit port 443 from the workload alone.',
  rationale:
    'Without private DNS clients go past the endpoint unless each is told its name. With one subnet the pipeline stands ' +
    'still with its zone.',
  fix: 'Set PrivateDnsEnabled, two subnets of different zones, and a security group whose one rule is 443 from that of the workload.',
  kind: 'resources',
  sources: { prowler: ['vpc_endpoint_multi_az_enabled'] },
  reads: ['ec2:DescribeVpcEndpoints'],
  evaluate: model =>
    resourcesOf(model, 'AWS::EC2::VPCEndpoint')
      .filter(({ properties }) => properties.VpcEndpointType === 'Interface')
      .map(endpoint => {
        const { properties } = endpoint
        return judge(
          endpoint,
          [
            demand('PrivateDnsEnabled', properties.PrivateDnsEnabled, isTrue, 'has no private DNS'),
            ...demandCount(
              'SubnetIds',
              listAt(properties, 'SubnetIds'),
              2,
              'stands in fewer than two subnets'
            ),
            ...demandCount(
              'SecurityGroupIds',
              listAt(properties, 'SecurityGroupIds'),
              1,
              'has no security group'
            ),
            ...knownListAt(properties, 'SecurityGroupIds').flatMap(id => groupProblems(model, id))
          ],
          'private DNS, two subnets, port 443 alone'
        )
      })
}

function demandCount(
  name: string,
  list: readonly unknown[] | typeof unknownValue,
  least: number,
  text: string
): readonly Problem[] {
  if (list === unknownValue) return [unknown(`${name} cannot be told`)]
  return new Set(list).size >= least ? [] : [wrong(text)]
}

/** A group that is not of the model is kept by somebody else: nothing is said of it. */
function groupProblems(model: AuditModel, id: unknown): readonly Problem[] {
  const group = groupFor(model, id)
  return group === undefined ? [] : ingressOf(model, group).flatMap(rule => ruleProblems(group, rule))
}

function ruleProblems({ id }: AuditResource, rule: unknown): readonly Problem[] {
  if (rule === unknownValue) return [unknown(`the rules of ${id} cannot be told`)]
  const ports = [valueAt(rule, 'FromPort'), valueAt(rule, 'ToPort')]
  return [
    ...(ports.some(port => numberOf(port) !== httpsPort) ? [wrong(`${id} admits more than port 443`)] : []),
    ...(isOpenToAll(rule) ? [wrong(`${id} admits every address`)] : [])
  ]
}
