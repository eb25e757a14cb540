import type { PolicyStatement } from '../../../policy-document.ts'
import type { Control, Finding } from '../../control.ts'
import { wrong } from '../../judge.ts'
import type { AuditModel } from '../../model.ts'
import { judgePrincipal, unreadable } from '../iam/principals.ts'

const sourceKeys = /^aws:SourceVpce?$/i

export const net03: Control = {
  id: 'NET-03',
  severity: 'low',
  title: 'Roles of producers and consumers can be pinned to an endpoint, and those of services never are.',
  rationale:
    'A right that holds through the endpoint alone is of no use outside. A service does not come through your endpoint: ' +
    'pinned, it would be denied everything.',
  fix: 'Demand aws:SourceVpce in statements of producer and consumer; leave it out of the roles of Firehose and Lambda.',
  kind: 'resources',
  sources: {},
  evaluate: model =>
    [...model.identityPolicies].flatMap(([arn, policies]): readonly Finding[] => {
      const pinned = policies.flatMap(({ document }) => document.Statement).some(isPinned)
      const services = servicesOf(model, arn)
      // Whether a workload is pinned is a choice: there is nothing to find.
      if (services.length === 0 && !pinned) return []
      const problems =
        services.length > 0 && pinned ? [wrong(`is of ${services[0]}, and pinned to an endpoint`)] : []
      const evidence = pinned ? 'is pinned to an endpoint' : 'is of a service, and not pinned'
      return [judgePrincipal(model, arn, [...problems, ...unreadable(model, arn)], evidence)]
    })
}

function isPinned({ Condition = {} }: PolicyStatement): boolean {
  return Object.values(Condition).some(test => Object.keys(test).some(name => sourceKeys.test(name)))
}

/** Services that act by themselves with this role. What runs on them, such as a task of ECS, comes through the endpoint. */
function servicesOf(model: AuditModel, arn: string): readonly string[] {
  const trust = model.resourcePolicies.get(arn)?.document.Statement ?? []
  return trust
    .flatMap(({ Principal }) => (typeof Principal === 'object' ? [Principal.Service ?? []].flat() : []))
    .filter(name => !/^(ecs-tasks|ec2|pods\.eks)\./.test(name))
}
