import type { AuditModel, AuditResource } from '../../model.ts'
import { resourcesOf } from '../../readers.ts'

export function clustersOf(model: AuditModel): readonly AuditResource[] {
  return resourcesOf(model, 'AWS::CloudHSM::Cluster')
}
