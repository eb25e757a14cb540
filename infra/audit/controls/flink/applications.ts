import type { AuditModel, AuditResource } from '../../model.ts'
import { resourcesOf } from '../../readers.ts'

export function applicationsOf(model: AuditModel): readonly AuditResource[] {
  return resourcesOf(model, 'AWS::KinesisAnalyticsV2::Application')
}
