import type { AuditModel, AuditResource } from '../../model.ts'
import { resourcesOf } from '../../readers.ts'

export function queuesOf(model: AuditModel): readonly AuditResource[] {
  return resourcesOf(model, 'AWS::SQS::Queue')
}
