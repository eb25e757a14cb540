import type { AccessPrincipal } from '../../../access.ts'
import type { Control } from '../../control.ts'
import { type Problem, unknown, wrong } from '../../judge.ts'
import type { AuditModel } from '../../model.ts'
import { type Answer, ask, principalsOf } from '../../questions.ts'
import { resourcesOf } from '../../readers.ts'
import { resourceArn } from '../../template/resource-names.ts'
import { isWorkload } from '../../workloads.ts'
import { judgePrincipal } from '../iam/principals.ts'
import { clustersOf } from './clusters.ts'

// https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudhsm.html
const actions = [
  'CopyBackupToRegion',
  'CreateCluster',
  'CreateHsm',
  'DeleteBackup',
  'DeleteCluster',
  'DeleteHsm',
  'DeleteResourcePolicy',
  'DescribeBackups',
  'DescribeClusters',
  'GetResourcePolicy',
  'InitializeCluster',
  'ListTags',
  'ModifyBackupAttributes',
  'ModifyCluster',
  'PutResourcePolicy',
  'RestoreBackup',
  'TagResource',
  'UntagResource'
].map(action => `cloudhsm:${action}`)

export const hsm03: Control = {
  id: 'HSM-03',
  severity: 'medium',
  title: 'No role of the pipeline has a right to a cluster of HSMs.',
  rationale:
    'IAM governs the cluster and its backups, never the keys and users in it. Whoever can delete an HSM, or restore a ' +
    'backup elsewhere, is a custodian of keys, and a pipeline is none.',
  fix: 'Remove every cloudhsm action from roles that services and workers have; leave them to key custodians.',
  kind: 'resources',
  sources: { statements: [10] },
  reads: ['iam:GetRole'],
  evaluate: model =>
    isConcerned(model)
      ? principalsOf(model)
          .filter(principal => isOfPipeline(model, principal))
          .map(principal =>
            judgePrincipal(
              model,
              principal.arn,
              problemsOf(model, principal),
              'has no right to a cluster of HSMs'
            )
          )
      : []
}

/** A pipeline without HSMs has nothing to keep its roles from, unless one of them names the service. */
function isConcerned(model: AuditModel): boolean {
  return (
    clustersOf(model).length > 0 ||
    resourcesOf(model, 'AWS::KMS::Key').some(({ properties }) => properties.Origin === 'AWS_CLOUDHSM') ||
    [...model.identityPolicies.values()]
      .flat()
      .some(({ document }) =>
        document.Statement.some(
          ({ Effect, Action }) =>
            Effect === 'Allow' && [Action ?? []].flat().some(action => /^cloudhsm:/i.test(action))
        )
      )
  )
}

/** Whether a service has the role, or it reads or writes a stream here: custodians do neither. */
function isOfPipeline(model: AuditModel, principal: AccessPrincipal): boolean {
  return (
    isWorkload(model, principal) ||
    resourcesOf(model, 'AWS::Kinesis::Stream').some(({ arn }) =>
      ['kinesis:GetRecords', 'kinesis:PutRecords'].some(
        action => ask(model, { principal, action, resource: arn }) === 'allow'
      )
    )
  )
}

function problemsOf(model: AuditModel, principal: AccessPrincipal): readonly Problem[] {
  const any = resourceArn('AWS::CloudHSM::Cluster', 'any', model)
  const targets = [...clustersOf(model).map(({ arn }) => arn), any, any.replace('cluster/', 'backup/')]
  const may = (action: string): readonly Answer[] =>
    targets.map(resource => ask(model, { principal, action, resource }))
  const allowed = actions.filter(action => may(action).includes('allow'))
  if (allowed.length > 0)
    return [wrong(`may ${allowed.length === actions.length ? 'all' : allowed.join(', ')}`)]
  return actions.some(action => may(action).includes('unknown'))
    ? [unknown('whether it has a right to a cluster cannot be told')]
    : []
}
