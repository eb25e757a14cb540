import { type Problem, wrong } from './judge.ts'
import type { AuditModel, AuditResource } from './model.ts'

/** Demands that a resource outlives its stack. Of an account nothing tells it. */
export function demandRetained(model: AuditModel, { deletionPolicy }: AuditResource): readonly Problem[] {
  if (model.source !== 'template') return []
  return deletionPolicy === 'Retain' || deletionPolicy === 'RetainExceptOnCreate'
    ? []
    : [wrong('it is deleted with its stack: DeletionPolicy is not Retain')]
}
