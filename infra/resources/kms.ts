import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { mostRecoveryDays } from '../limits.ts'
import { attributeOf } from '../placeholders.ts'
import { plannedKeys } from '../plan-keys.ts'
import { retained, type TemplateResources } from '../template.ts'

/** The keys that are made, each with an alias. */
export function keyResources(plan: ResolvedPlan): TemplateResources {
  return Object.fromEntries(
    plannedKeys(plan)
      .filter(({ givenArn }) => givenArn === undefined)
      .flatMap(({ logicalId, purpose, alias, policy }) => [
        [
          logicalId,
          {
            Type: 'AWS::KMS::Key',
            ...retained,
            Properties: {
              Description: `${plan.name} ${purpose}`,
              EnableKeyRotation: true,
              RotationPeriodInDays: 365,
              PendingWindowInDays: mostRecoveryDays,
              KeyPolicy: policy
            }
          }
        ],
        [
          `${logicalId}Alias`,
          {
            Type: 'AWS::KMS::Alias',
            Properties: { AliasName: alias, TargetKeyId: attributeOf(logicalId, 'Arn') }
          }
        ]
      ])
  )
}
