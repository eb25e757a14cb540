import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { refTo } from '../placeholders.ts'
import { madeRoles } from '../plan-roles.ts'
import type { TemplateResources } from '../template.ts'

/** Roles without rights: keys name them, and KMS refuses a policy that names one that is not there. */
export function roleResources(plan: ResolvedPlan): TemplateResources {
  return Object.fromEntries(
    madeRoles(plan).map(({ logicalId, name, trust }) => [
      logicalId,
      { Type: 'AWS::IAM::Role', Properties: { RoleName: name, AssumeRolePolicyDocument: trust } }
    ])
  )
}

/** What the roles may do, in which the keys have their ARNs. */
export function rolePolicyResources(plan: ResolvedPlan): TemplateResources {
  return Object.fromEntries(
    madeRoles(plan).map(({ logicalId, policy }) => [
      rolePolicyId(logicalId),
      {
        Type: 'AWS::IAM::RolePolicy',
        Properties: { RoleName: refTo(logicalId), PolicyName: 'sealstream', PolicyDocument: policy }
      }
    ])
  )
}

export const rolePolicyId = (roleId: string): string => `${roleId}Policy`
