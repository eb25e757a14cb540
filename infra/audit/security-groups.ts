import { type Problem, unknown, wrong } from './judge.ts'
import { type AuditModel, type AuditResource, unknownValue } from './model.ts'
import { listAt, numberOf, resourceFor, resourcesOf, type Unknown, valueAt } from './readers.ts'

const groupType = 'AWS::EC2::SecurityGroup'

/** The security group that a reference means. */
export function groupFor(model: AuditModel, reference: unknown): AuditResource | undefined {
  return resourceFor(model, reference, groupType)
}

/** The rules by which a group lets in, whether they stand in it or beside it; `unknownValue` for what cannot be told. */
export function ingressOf(model: AuditModel, group: AuditResource): readonly unknown[] {
  const inside = listAt(group.properties, 'SecurityGroupIngress')
  const beside = resourcesOf(model, 'AWS::EC2::SecurityGroupIngress').filter(
    ({ properties }) => groupFor(model, properties.GroupId) === group
  )
  return [
    ...(inside === unknownValue ? [unknownValue] : inside),
    ...beside.map(({ properties }) => properties)
  ]
}

/** Whether a rule lets in whoever has an address. */
export function isOpenToAll(rule: unknown): boolean {
  return ['CidrIp', 'CidrIpv6'].some(name =>
    ['0.0.0.0/0', '::/0'].includes(String(valueAt(rule, name) ?? ''))
  )
}

/** Demands that the groups of a resource let in one port, and other groups alone. */
export function demandNamedGroups(
  model: AuditModel,
  references: readonly unknown[] | Unknown,
  port: number | undefined
): readonly Problem[] {
  if (references === unknownValue) return [unknown('its security groups cannot be told')]
  if (references.length === 0) return [unknown('it has whatever security group its VPC gives by default')]
  return references.flatMap(reference => {
    const group = groupFor(model, reference)
    if (group === undefined) return [unknown('a security group that it has is not here')]
    return ingressOf(model, group).flatMap(rule => [
      ...sourceProblems(group, rule),
      ...portProblems(group, rule, port)
    ])
  })
}

/** What a rule lets in besides this port. */
export function portProblems(
  { id }: AuditResource,
  rule: unknown,
  port: number | undefined
): readonly Problem[] {
  const ports = [valueAt(rule, 'FromPort'), valueAt(rule, 'ToPort')]
  if (port === undefined || ports.includes(unknownValue)) {
    return [unknown(`whether ${id} lets in more than its port cannot be told`)]
  }
  return ports.every(each => numberOf(each) === port) ? [] : [wrong(`${id} lets in more than port ${port}`)]
}

function sourceProblems({ id }: AuditResource, rule: unknown): readonly Problem[] {
  if (rule === unknownValue) return [unknown(`the rules of ${id} cannot be told`)]
  const names = ['SourceSecurityGroupId', 'SourceSecurityGroupName']
  if (names.some(name => valueAt(rule, name) !== undefined)) return []
  return [wrong(isOpenToAll(rule) ? `${id} lets in every address` : `${id} lets in addresses, not groups`)]
}
