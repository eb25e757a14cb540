import type { Control, Finding } from '../../control.ts'
import type { AuditModel } from '../../model.ts'
import { resourcesOf } from '../../readers.ts'

/** A control that no resource decides: each stream has it proved by a run. */
export function proof(control: Omit<Control, 'kind' | 'evaluate'>): Control {
  return { ...control, kind: 'proof', evaluate: model => streamsToProve(model, control.id) }
}

function streamsToProve(model: AuditModel, id: string): readonly Finding[] {
  return resourcesOf(model, 'AWS::Kinesis::Stream').map(stream => ({
    status: 'manual',
    resourceId: stream.id,
    location: stream.location,
    evidence: `run: sealstream prove --only ${id}`
  }))
}
