import type { AuditModel, AuditResource } from '../model.ts'
import { type ResolverOptions, TemplateResolver } from '../resolver.ts'
import { checkTemplate } from '../template/document.ts'
import { collectPolicies } from './policies.ts'

/**
 * Reads a template of CloudFormation, as JSON or YAML gave it: whoever wrote it, and whatever made it.
 * @throws InvalidOptionError for what is no template; its `option` is a path, such as `template.Resources.Key.Type`.
 */
export function loadTemplate(template: unknown, options: ResolverOptions = {}): AuditModel {
  const document = checkTemplate(template)
  const resolver = new TemplateResolver(document, options)
  const resources: AuditResource[] = []
  for (const [
    id,
    { Type: type, Properties: properties = {}, DeletionPolicy: deletionPolicy }
  ] of Object.entries(document.Resources)) {
    if (!resolver.isPresent(id)) continue
    const location = `Resources.${id}`
    const policy = resolver.resolve(deletionPolicy, `${location}.DeletionPolicy`)
    resources.push({
      id,
      type,
      arn: resolver.arnOf(id),
      properties: resolver.resolve(properties, `${location}.Properties`) as Record<string, unknown>,
      deletionPolicy: typeof policy === 'string' ? policy : undefined,
      location
    })
  }
  const policies = collectPolicies(resources, resolver.scope)
  return {
    source: 'template',
    ...resolver.scope,
    resources,
    ...policies,
    unresolved: resolver.unresolved,
    failedReads: []
  }
}
