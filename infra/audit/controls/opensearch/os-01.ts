import type { Control } from '../../control.ts'
import { demand, judge } from '../../judge.ts'
import { demandCustomerKey } from '../../keys.ts'
import { isTrue, valueAt } from '../../readers.ts'
import { domainsOf } from './domains.ts'

export const os01: Control = {
  id: 'OS-01',
  severity: 'high',
  title: 'Search domains are encrypted with a customer-managed key, and between their nodes.',
  rationale:
    'An index holds what was delivered, in the clear for whoever searches. Its disks and snapshots have this key alone, ' +
    'and what nodes send one another is plain unless the domain says otherwise.',
  fix: 'Set EncryptionAtRestOptions with Enabled and the sink key as KmsKeyId, and NodeToNodeEncryptionOptions.Enabled.',
  kind: 'resources',
  sources: {
    securityHub: ['OpenSearch.1', 'OpenSearch.3'],
    cdkNag: ['OS2', 'OS8'],
    checkov: ['CKV_AWS_5', 'CKV_AWS_6']
  },
  reads: ['es:DescribeDomain'],
  evaluate: model =>
    domainsOf(model).map(domain => {
      const { EncryptionAtRestOptions: atRest, NodeToNodeEncryptionOptions: between } = domain.properties
      return judge(
        domain,
        [
          demand(
            'EncryptionAtRestOptions.Enabled',
            valueAt(atRest, 'Enabled'),
            isTrue,
            'it is not encrypted'
          ),
          demandCustomerKey(model, 'EncryptionAtRestOptions.KmsKeyId', valueAt(atRest, 'KmsKeyId')),
          demand(
            'NodeToNodeEncryptionOptions.Enabled',
            valueAt(between, 'Enabled'),
            isTrue,
            'what its nodes send one another is not encrypted'
          )
        ],
        'encrypted with a customer-managed key, and between nodes'
      )
    })
}
