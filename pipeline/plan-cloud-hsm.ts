import { checkInteger } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import { section } from './plan-checks.ts'
import { checkIds } from './plan-network.ts'
import type { ServiceSurroundings } from './plan-services.ts'

/**
 * A cluster of HSMs for the envelope key: `keys.envelope: { arn, origin: 'AWS_CLOUDHSM' }` once the key is there. What is in
 * the cluster, and the key, are made by steps.
 */
export interface PlanCloudHsm {
  /** In two Availability Zones at least; one HSM in each. @default those of `network` */
  readonly subnetIds?: readonly string[]
  /** How long backups are kept, without which a lost cluster is lost with every key. Range 90 to 379. @default 90 */
  readonly backupRetentionDays?: number
}

export interface ResolvedCloudHsm extends Required<PlanCloudHsm> {}

const path = 'services.cloudHsm'

/** @throws InvalidOptionError, also for an envelope key in another kind of key store */
export function resolveCloudHsm(
  value: PlanCloudHsm,
  { network, envelope }: ServiceSurroundings
): ResolvedCloudHsm {
  const cluster = section(path, value, ['subnetIds', 'backupRetentionDays'])
  const subnetIds = checkIds(`${path}.subnetIds`, cluster.subnetIds ?? network?.subnetIds ?? [], 'subnet')
  if (subnetIds.length < 2) {
    throw new InvalidOptionError(`${path}.subnetIds`, 'expected two at least, in two Availability Zones')
  }
  if (envelope.origin === 'EXTERNAL_KEY_STORE') {
    throw new InvalidOptionError(
      'keys.envelope.origin',
      "is 'EXTERNAL_KEY_STORE', which a cluster of services.cloudHsm is not: expected 'AWS_CLOUDHSM'"
    )
  }
  return {
    subnetIds,
    backupRetentionDays: checkInteger(
      `${path}.backupRetentionDays`,
      cluster.backupRetentionDays ?? 90,
      90,
      379
    )
  }
}
