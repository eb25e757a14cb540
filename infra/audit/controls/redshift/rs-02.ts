import type { Control } from '../../control.ts'
import { judge } from '../../judge.ts'
import { clustersOf, demandParameter } from './clusters.ts'

export const rs02: Control = {
  id: 'RS-02',
  severity: 'high',
  title: 'Clusters of Redshift take connections over TLS alone.',
  rationale:
    'Without the parameter a client that does not ask for TLS is served in the clear, password and rows. Firehose always ' +
    'asks; others on the cluster may not.',
  fix: 'Set require_ssl to true in the AWS::Redshift::ClusterParameterGroup of the cluster.',
  kind: 'resources',
  sources: { securityHub: ['Redshift.2'], cdkNag: ['RS1'], checkov: ['CKV_AWS_105'] },
  reads: ['redshift:DescribeClusters'],
  evaluate: model =>
    clustersOf(model).map(cluster =>
      judge(cluster, [demandParameter(model, cluster, 'require_ssl')], 'it takes connections over TLS alone')
    )
}
