import type { Control } from '../../control.ts'
import { deliveryStreamsOf, destinationsOf } from '../../delivery-streams.ts'
import { demand, demandAll, judge, type Problem } from '../../judge.ts'
import { isObject, listAt, valueAt } from '../../readers.ts'

const destinationNames = [
  'AmazonopensearchserviceDestinationConfiguration',
  'ElasticsearchDestinationConfiguration'
]

export const fh08: Control = {
  id: 'FH-08',
  severity: 'high',
  title: 'A search domain is reached inside the VPC, with the role, and what it refused is kept.',
  rationale:
    'A domain outside of a VPC is guarded by its access policy alone. Named by its ARN, Firehose signs its requests for ' +
    'that domain, whatever an address comes to point to.',
  fix: 'Set VpcConfiguration, DomainARN instead of ClusterEndpoint, RoleARN and S3Configuration on the destination.',
  kind: 'resources',
  sources: { statements: [17] },
  evaluate: model =>
    deliveryStreamsOf(model).flatMap(stream =>
      destinationsOf(stream)
        .filter(({ name }) => destinationNames.includes(name))
        .map(({ name, configuration }) =>
          judge(stream, problemsOf(name, configuration), 'inside the VPC, by role, and with a backup')
        )
    )
}

function problemsOf(name: string, configuration: Readonly<Record<string, unknown>>): readonly Problem[] {
  const list = (member: string) => listAt(configuration, 'VpcConfiguration', member)
  const isFilled = (value: unknown) => Array.isArray(value) && value.length > 0
  return demandAll(
    demand('SubnetIds', list('SubnetIds'), isFilled, `${name} has no subnets of a VPC`),
    demand('SecurityGroupIds', list('SecurityGroupIds'), isFilled, `${name} has no security group`),
    demand(
      'DomainARN',
      configuration.DomainARN,
      value => typeof value === 'string',
      `${name} names no DomainARN`
    ),
    demand(
      'ClusterEndpoint',
      configuration.ClusterEndpoint,
      value => value === undefined,
      `${name} names an address`
    ),
    demand('RoleARN', configuration.RoleARN, value => typeof value === 'string', `${name} has no role`),
    demand(
      'BucketARN',
      valueAt(configuration, 'S3Configuration', 'BucketARN'),
      value => typeof value === 'string' || isObject(value),
      `${name} keeps nothing of what was refused`
    )
  )
}
