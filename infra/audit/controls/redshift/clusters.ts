import { demand, type Problem, unknown } from '../../judge.ts'
import { type AuditModel, type AuditResource, unknownValue } from '../../model.ts'
import { isTrue, listAt, numberOf, resourceFor, resourcesOf, valueAt } from '../../readers.ts'

export function clustersOf(model: AuditModel): readonly AuditResource[] {
  return resourcesOf(model, 'AWS::Redshift::Cluster')
}

/** Demands that a parameter is on in the parameter group of a cluster. */
export function demandParameter(
  model: AuditModel,
  { properties }: AuditResource,
  name: string
): Problem | undefined {
  const group = resourceFor(
    model,
    properties.ClusterParameterGroupName,
    'AWS::Redshift::ClusterParameterGroup'
  )
  // What the groups of AWS set depends on when the cluster was made.
  if (group === undefined) return unknown(`its parameter group, which sets ${name}, is not here`)
  const parameters = listAt(group.properties, 'Parameters')
  const value =
    parameters === unknownValue
      ? unknownValue
      : valueAt(
          parameters.find(each => valueAt(each, 'ParameterName') === name),
          'ParameterValue'
        )
  return demand(`${name} of ${group.id}`, value, isTrue, `${name} is not on in ${group.id}`)
}

/** Undefined where it cannot be told. */
export function portOf({ properties: { Port: port } }: AuditResource): number | undefined {
  return port === undefined ? 5439 : numberOf(port)
}
