import type { Control } from '../../control.ts'
import { deliveryStreamsOf, destinationsOf } from '../../delivery-streams.ts'
import { demand, judge, type Problem, toConfirm, unknown, wrong } from '../../judge.ts'
import { type AuditModel, type AuditResource, unknownValue } from '../../model.ts'
import { isTrue, nameIn, valueAt } from '../../readers.ts'
import { clustersOf, demandParameter } from './clusters.ts'

export const rs04: Control = {
  id: 'RS-04',
  severity: 'medium',
  title:
    'Clusters of Redshift log who did what, Secrets Manager keeps the password of the owner, and Firehose loads its table alone.',
  rationale:
    'The user with which Firehose loads is one of the database, whose rights are granted there: no template shows them. ' +
    'With the rights of the owner it could read, and drop, every other table.',
  fix:
    'Set LoggingProperties, ManageMasterPassword, and enable_user_activity_logging in the parameter group; grant the user of ' +
    'Firehose INSERT on its table, and attest it.',
  kind: 'resources',
  sources: {
    securityHub: ['Redshift.4', 'Redshift.8'],
    cdkNag: ['RS5', 'RS11'],
    checkov: ['CKV_AWS_71']
  },
  reads: ['redshift:DescribeClusters'],
  evaluate: model =>
    clustersOf(model).map(cluster =>
      judge(
        cluster,
        [
          ...loggingProblems(cluster),
          demandParameter(model, cluster, 'enable_user_activity_logging'),
          ...passwordProblems(cluster),
          ...deliveryProblems(model, cluster)
        ],
        'it logs, and Secrets Manager keeps the password of its owner'
      )
    )
}

function loggingProblems({ properties: { LoggingProperties: logging } }: AuditResource): readonly Problem[] {
  if (logging === unknownValue) return [unknown('whether it logs cannot be told')]
  return logging === undefined ? [wrong('it logs nothing')] : []
}

function passwordProblems({ properties }: AuditResource): readonly (Problem | undefined)[] {
  const { MasterUserPassword: password, ManageMasterPassword: managed } = properties
  if (typeof password === 'string' && password.startsWith('{{resolve:secretsmanager:')) return []
  if (password !== undefined) return [wrong('MasterUserPassword stands in its configuration')]
  return [
    demand(
      'ManageMasterPassword',
      managed,
      isTrue,
      'the password of its owner is not kept by Secrets Manager'
    )
  ]
}

function deliveryProblems(model: AuditModel, cluster: AuditResource): readonly Problem[] {
  const isLoaded = deliveryStreamsOf(model)
    .flatMap(destinationsOf)
    .filter(({ name }) => name === 'RedshiftDestinationConfiguration')
    .some(({ configuration }) => isOf(cluster, valueAt(configuration, 'ClusterJDBCURL')))
  return isLoaded
    ? [
        toConfirm(
          'Firehose loads it: that its user may INSERT into its table, and no more, is to be attested'
        )
      ]
    : []
}

/** A host begins with the name of the cluster; one that cannot be told may be any. */
function isOf({ id, arn }: AuditResource, url: unknown): boolean {
  if (typeof url !== 'string') return true
  const [, host = ''] = /^jdbc:redshift:\/\/([^.:/]+)/.exec(url) ?? []
  return [id, nameIn(arn)].includes(host)
}
