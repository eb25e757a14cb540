import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { accountId, arnOf } from '../placeholders.ts'
import { accountRootArn, idPart, oneOrMore } from '../plan-arns.ts'
import type { PolicyDocument, PolicyStatement } from '../policy-document.ts'
import { policyOf } from './shared.ts'

/** Who may be producer, consumer or replayer: what runs them, or the roles that the plan names. */
export function workloadTrust({ roles }: ResolvedPlan): PolicyDocument {
  const arns = roles.assumedBy.filter(isArn)
  return policyOf(
    roles.assumedBy.filter(name => !isArn(name)).map(serviceTrust),
    arns.length === 0
      ? []
      : {
          Sid: 'RolesRunIt',
          Effect: 'Allow',
          Principal: { AWS: oneOrMore(arns) },
          Action: 'sts:AssumeRole'
        }
  )
}

/** Who may be operator: the roles that the plan names, or whom IAM allows it in this account. */
export function operatorTrust({ roles }: ResolvedPlan): PolicyDocument {
  return policyOf({
    Sid: 'PeopleAssumeIt',
    Effect: 'Allow',
    Principal: { AWS: roles.operatedBy.length === 0 ? accountRootArn : oneOrMore(roles.operatedBy) },
    Action: 'sts:AssumeRole',
    Condition: { StringEquals: { 'aws:PrincipalAccount': accountId } }
  })
}

function serviceTrust(service: string): PolicyStatement {
  const [name = ''] = service.split('.')
  const statement: PolicyStatement = {
    Sid: `${idPart(name)}RunsIt`,
    Effect: 'Allow',
    Principal: { Service: service },
    Action: 'sts:AssumeRole'
  }
  if (name !== 'ecs-tasks') return statement
  // Other services do not say for which account and resource they ask, so that the condition would shut them out.
  return {
    ...statement,
    Condition: {
      StringEquals: { 'aws:SourceAccount': accountId },
      ArnLike: { 'aws:SourceArn': arnOf('ecs', '*') }
    }
  }
}

const isArn = (principal: string): boolean => principal.startsWith('arn:')
