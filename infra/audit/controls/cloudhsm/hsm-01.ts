import type { Control } from '../../control.ts'
import { judge, type Problem, toConfirm, unknown, wrong } from '../../judge.ts'
import { type AuditModel, type AuditResource, unknownValue } from '../../model.ts'
import { listAt, resourceFor, valueAt } from '../../readers.ts'
import { clustersOf } from './clusters.ts'

export const hsm01: Control = {
  id: 'HSM-01',
  severity: 'high',
  title: 'A cluster of HSMs has HSMs at work in two zones.',
  rationale:
    'A cluster is as available as whoever runs it makes it. With one HSM, or all of them in one zone, the keys in it are ' +
    'gone for as long as that zone is, and every record with them.',
  fix: 'Give the cluster subnets of two zones or more, and create an HSM in each of two.',
  kind: 'resources',
  sources: { statements: [4] },
  reads: ['cloudhsm:DescribeClusters'],
  evaluate: model =>
    clustersOf(model).map(cluster =>
      judge(
        cluster,
        model.source === 'template' ? subnetProblems(model, cluster) : hsmProblems(cluster),
        'HSMs are at work in two zones'
      )
    )
}

/** A template places the cluster; HSMs are created in it by a call. */
function subnetProblems(model: AuditModel, { properties }: AuditResource): readonly Problem[] {
  const subnets = listAt(properties, 'SubnetIds')
  if (subnets === unknownValue) return [unknown('SubnetIds cannot be told')]
  const zones = subnets.map(subnet => zoneOf(model, subnet))
  const places = new Set(zones.filter(zone => zone !== unknownValue))
  if (places.size < 2) {
    return [
      zones.includes(unknownValue)
        ? unknown('whether its subnets are in two zones cannot be told')
        : wrong('it is in one subnet or zone alone')
    ]
  }
  return [toConfirm(`its subnets are in ${places.size} places: see that HSMs are created in two of them`)]
}

/** The zone of a subnet that is here, or else the subnet: two are taken for two zones. */
function zoneOf(model: AuditModel, subnet: unknown): unknown {
  const zone = valueAt(resourceFor(model, subnet, 'AWS::EC2::Subnet')?.properties, 'AvailabilityZone')
  return typeof zone === 'string' ? zone : subnet
}

function hsmProblems({ properties }: AuditResource): readonly Problem[] {
  const hsms = listAt(properties, 'Hsms')
  if (hsms === unknownValue) return [unknown('its HSMs cannot be told')]
  const zones = hsms
    .filter(hsm => valueAt(hsm, 'State') === 'ACTIVE')
    .map(hsm => valueAt(hsm, 'AvailabilityZone'))
  return new Set(zones).size >= 2 ? [] : [wrong(`of ${hsms.length} HSMs none are at work in two zones`)]
}
