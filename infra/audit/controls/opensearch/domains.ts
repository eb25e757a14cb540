import type { AuditModel, AuditResource } from '../../model.ts'
import { resourcesOf } from '../../readers.ts'

export const domainTypes = ['AWS::OpenSearchService::Domain', 'AWS::Elasticsearch::Domain'] as const

export function domainsOf(model: AuditModel): readonly AuditResource[] {
  return resourcesOf(model, ...domainTypes)
}
