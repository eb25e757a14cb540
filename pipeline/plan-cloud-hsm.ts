import { checkInteger, checkOneOf } from '../core/check-option.ts'
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
  /** Whether algorithms without approval are there, too. Never to be changed. @default 'FIPS' */
  readonly mode?: 'FIPS' | 'NON_FIPS'
  /** How long backups are kept, without which a lost cluster is lost with every key. Range 90 to 379. @default 90 */
  readonly backupRetentionDays?: number
}

export interface ResolvedCloudHsm extends Required<PlanCloudHsm> {}

const path = 'services.cloudHsm'

/** @throws InvalidOptionError, also for a plan without an envelope key, or with one in another kind of key store */
export function resolveCloudHsm(
  value: PlanCloudHsm,
  { network, envelope, sealMode }: ServiceSurroundings
): ResolvedCloudHsm {
  const cluster = section(path, value, ['subnetIds', 'mode', 'backupRetentionDays'])
  const subnetIds = checkIds(`${path}.subnetIds`, cluster.subnetIds ?? network?.subnetIds ?? [], 'subnet')
  if (subnetIds.length < 2) {
    throw new InvalidOptionError(`${path}.subnetIds`, 'expected two at least, in two Availability Zones')
  }
  if (sealMode === 'off') throw new InvalidOptionError(path, "needs sealing.mode other than 'off'")
  if (envelope.origin === 'EXTERNAL_KEY_STORE') {
    throw new InvalidOptionError(
      'keys.envelope.origin',
      "is 'EXTERNAL_KEY_STORE', which a cluster of services.cloudHsm is not: expected 'AWS_CLOUDHSM'"
    )
  }
  return {
    subnetIds,
    mode: checkOneOf(`${path}.mode`, cluster.mode ?? 'FIPS', ['FIPS', 'NON_FIPS']),
    backupRetentionDays: checkInteger(
      `${path}.backupRetentionDays`,
      cluster.backupRetentionDays ?? 90,
      90,
      379
    )
  }
}
