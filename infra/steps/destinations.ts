import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { deliveryRoleId, roleArn } from '../plan-arns.ts'
import { redshiftMasterSecret } from '../plan-services.ts'
import type { StepDraft } from './step.ts'

/** What is made inside of a cluster or a domain, where IAM has no say. */
export function destinationSteps(plan: ResolvedPlan): readonly StepDraft[] {
  const { redshift, openSearch } = plan.services
  const search = plan.destinations.flatMap(each => (each.kind === 'opensearch' ? [each] : []))
  const rows = plan.destinations.flatMap(each => (each.kind === 'redshift' ? [each] : []))
  return [
    ...(openSearch === undefined
      ? []
      : search
          .filter(({ domainArn }) => domainArn === 'made')
          .map(({ deliveryStreamName, indexName }) => ({
            id: `openSearch.map.${deliveryStreamName}`,
            title: `Let ${deliveryStreamName} write its index`,
            by: openSearch.masterRoleArn,
            action: `PUT _plugins/_security/api/roles/${deliveryStreamName} with cluster_permissions cluster_composite_ops and cluster_monitor, and index_permissions crud, create_index and manage on ${indexName}*; then PUT _plugins/_security/api/rolesmapping/${deliveryStreamName} with backend_roles ${roleArn(deliveryRoleId(deliveryStreamName))}`,
            check: {
              expected:
                'GET _plugins/_security/api/rolesmapping: this role and the master, and no anonymous one'
            },
            waitsFor: [],
            gives: []
          }))),
    ...(redshift === undefined
      ? []
      : rows
          .filter(({ jdbcUrl }) => jdbcUrl === 'made')
          .map(({ deliveryStreamName, table, secret }) => ({
            id: `redshift.user.${deliveryStreamName}`,
            title: `Make the table and the user of ${deliveryStreamName}`,
            by: redshift.masterUsername,
            action: `with the password in the secret ${redshiftMasterSecret(redshift)}: CREATE TABLE ${table}; CREATE USER with a password of its own; GRANT INSERT ON ${table} and nothing else; put both into the secret ${secret} as username and password`,
            check: { expected: 'the delivery stream loads a first record; SELECT as that user is refused' },
            waitsFor: [],
            gives: []
          })))
  ]
}
