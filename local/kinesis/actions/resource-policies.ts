import { type Action, AwsError } from '../../aws-json.ts'
import type { KinesisStore } from '../store.ts'
import { resourceOf } from '../validations/resource.ts'
import { validatePolicy } from '../validations/resource-policy.ts'

/** Keeps the policy as it came; nobody is kept out by it. */
export const putResourcePolicy =
  (store: KinesisStore): Action =>
  input => {
    const policy = validatePolicy(input.Policy)
    resourceOf(store, input.ResourceARN).policy = policy
    return {}
  }

export const getResourcePolicy =
  (store: KinesisStore): Action =>
  input => ({ Policy: resourceOf(store, input.ResourceARN).policy ?? '{}' })

export const deleteResourcePolicy =
  (store: KinesisStore): Action =>
  input => {
    const resource = resourceOf(store, input.ResourceARN)
    if (resource.policy === undefined) {
      throw new AwsError('ResourceNotFoundException', `No resource policy found for ${resource.arn}.`)
    }
    resource.policy = undefined
    return {}
  }
