import type { KmsAction } from '../request.ts'
import { invalid } from '../validations/members.ts'
import { checkPolicyName, policyOf } from '../validations/policy.ts'

export const putKeyPolicy: KmsAction = async request => {
  const policy = policyOf(request.input)
  if (policy === undefined) throw invalid('Policy', 'not be null')
  checkPolicyName(request.input)
  const key = await request.livingKey()
  key.policy = policy
  return {}
}

export const getKeyPolicy: KmsAction = async request => {
  checkPolicyName(request.input)
  const { policy } = await request.key()
  return { Policy: policy, PolicyName: 'default' }
}

export const listKeyPolicies: KmsAction = async request => {
  await request.key()
  return { PolicyNames: ['default'], Truncated: false }
}
