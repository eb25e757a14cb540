import type { Control } from '../../control.ts'
import { demand, judge } from '../../judge.ts'
import { isTrue, valueAt } from '../../readers.ts'
import { domainsOf } from './domains.ts'

// TLS 1.2 or later with forward secrecy:
// https://docs.aws.amazon.com/opensearch-service/latest/APIReference/API_DomainEndpointOptions.html
const current = /^Policy-Min-TLS-1-[23]-(PFS|RFC9151)-/

export const os02: Control = {
  id: 'OS-02',
  severity: 'high',
  title: 'Search domains are reached over https alone, by a current policy of TLS.',
  rationale:
    'A domain answers on port 80, too, unless it is told not to. The older policies take TLS 1.0, or ciphers under which ' +
    'what was recorded can be read once a key is lost.',
  fix: 'Set DomainEndpointOptions with EnforceHTTPS and TLSSecurityPolicy Policy-Min-TLS-1-2-PFS-2023-10.',
  kind: 'resources',
  sources: { securityHub: ['OpenSearch.8'], checkov: ['CKV_AWS_83'] },
  reads: ['es:DescribeDomain'],
  evaluate: model =>
    domainsOf(model).map(domain => {
      const { DomainEndpointOptions: endpoint } = domain.properties
      return judge(
        domain,
        [
          demand('EnforceHTTPS', valueAt(endpoint, 'EnforceHTTPS'), isTrue, 'it answers over plain http'),
          demand(
            'TLSSecurityPolicy',
            valueAt(endpoint, 'TLSSecurityPolicy'),
            value => typeof value === 'string' && current.test(value),
            'its policy of TLS is an old one'
          )
        ],
        'https alone, by a current policy'
      )
    })
}
