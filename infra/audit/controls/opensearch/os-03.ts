import type { Control } from '../../control.ts'
import { demand, judge } from '../../judge.ts'
import { listAt, valueAt } from '../../readers.ts'
import { domainsOf } from './domains.ts'

export const os03: Control = {
  id: 'OS-03',
  severity: 'high',
  title: 'Search domains are in a VPC.',
  rationale:
    'A domain outside of a VPC has a public address, and its access policy is all that keeps strangers out. It cannot be ' +
    'moved into one later.',
  fix: 'Set VPCOptions with subnets and a security group; a domain that is public is made anew.',
  kind: 'resources',
  sources: { securityHub: ['OpenSearch.2'], cdkNag: ['OS1'] },
  reads: ['es:DescribeDomain'],
  evaluate: model =>
    domainsOf(model).map(domain =>
      judge(
        domain,
        [
          demand(
            'VPCOptions',
            domain.properties.VPCOptions === undefined
              ? undefined
              : listAt(valueAt(domain.properties, 'VPCOptions'), 'SubnetIds'),
            value => Array.isArray(value) && value.length > 0,
            'it has a public address'
          )
        ],
        'in a VPC'
      )
    )
}
