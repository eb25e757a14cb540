import { ContextName, type EncryptionContext } from '../core/record-transform.ts'
import type { ResolvedPlan } from './plan.ts'

/** Pairs that every message of the pipeline is bound to, besides `stream`. */
export function sealingContextOf({ name, sealing }: ResolvedPlan): EncryptionContext {
  return { [ContextName.pipeline]: name, ...sealing.context }
}
