import type { KeyPurpose, ResolvedPlan } from '../pipeline/plan.ts'
import { keyId, tenantKeyId } from './plan-arns.ts'
import { hasServicesKey } from './plan-services.ts'
import { envelopeKeyPolicy } from './policies/envelope-key.ts'
import { servicesKeyPolicy } from './policies/services-key.ts'
import { sinkKeyPolicy } from './policies/sink-key.ts'
import { stateKeyPolicy } from './policies/state-key.ts'
import { streamKeyPolicy } from './policies/stream-key.ts'
import type { PolicyDocument } from './policy-document.ts'

/** A key of the plan and the policy that it has, or that its owner has to give it. */
export interface PlannedKey {
  readonly logicalId: string
  readonly purpose: KeyPurpose
  readonly tenant: string | undefined
  /** Undefined: the template makes it. */
  readonly givenArn: string | undefined
  readonly alias: string
  readonly policy: PolicyDocument
}

/** Every key of a plan, in the order of the purposes. */
export function plannedKeys(plan: ResolvedPlan): readonly PlannedKey[] {
  const { name, keys } = plan
  const atRest = (purpose: Exclude<KeyPurpose, 'envelope'>, policy: PolicyDocument): PlannedKey => ({
    logicalId: keyId(purpose),
    purpose,
    tenant: undefined,
    givenArn: keys[purpose].arn,
    // The name of a pipeline has no slash: those of another pipeline are never the same.
    alias: `alias/${name}/${purpose}`,
    policy
  })
  return [
    ...envelopeKeys(plan),
    atRest('stream', streamKeyPolicy(plan)),
    atRest('sink', sinkKeyPolicy(plan)),
    atRest('state', stateKeyPolicy(plan)),
    ...(hasServicesKey(plan) ? [atRest('services', servicesKeyPolicy(plan))] : [])
  ]
}

function envelopeKeys(plan: ResolvedPlan): readonly PlannedKey[] {
  const { mode, keyId: sealingKeyId, tenants } = plan.sealing
  if (mode === 'off') return []
  if (tenants.length === 0) {
    return [
      {
        logicalId: keyId('envelope'),
        purpose: 'envelope',
        tenant: undefined,
        givenArn: plan.keys.envelope.arn,
        alias: sealingKeyId,
        policy: envelopeKeyPolicy(plan)
      },
      ...plan.sealing.additionalKeys.map((givenArn, index) => ({
        logicalId: `AdditionalKey${index + 1}`,
        purpose: 'envelope' as const,
        tenant: undefined,
        givenArn,
        alias: givenArn,
        policy: envelopeKeyPolicy(plan, undefined, 'kms:Encrypt')
      }))
    ]
  }
  return tenants.map(tenant => ({
    logicalId: tenantKeyId(tenant),
    purpose: 'envelope',
    tenant: tenant.id,
    givenArn: tenant.arn,
    alias: tenant.keyId,
    policy: envelopeKeyPolicy(plan, tenant)
  }))
}
