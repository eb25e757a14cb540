import { checkInteger, checkString } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import { section } from './plan-checks.ts'
import { checkId } from './plan-network.ts'
import type { ServiceSurroundings } from './plan-services.ts'

/**
 * A database of RDS or Aurora that is there, which the workers look up reference data in. Nothing of it is made: only the way
 * to it. Needs `network`.
 */
export interface PlanRds {
  /** Resource id of the instance, `db-…`, or of the cluster, `cluster-…`, of which IAM makes ARNs. */
  readonly resourceId: string
  /** User of the database, who has to be made there with IAM authentication. 1 to 63 letters, digits and underscores. */
  readonly user: string
  /** Group of the database, which then admits the workload. */
  readonly securityGroupId: string
  /** Range 1_150 to 65_535. @default 5_432 */
  readonly port?: number
}

/** Owners, who may do anything with the database. */
const owners = /^(admin|master|postgres|rdsadmin|root)$/i

export interface ResolvedRds extends Required<PlanRds> {}

const path = 'services.rds'

/** @throws InvalidOptionError */
export function resolveRds(value: PlanRds, { network }: ServiceSurroundings): ResolvedRds {
  const rds = section(path, value, ['resourceId', 'user', 'securityGroupId', 'port'])
  if (network === undefined) throw new InvalidOptionError(path, 'needs network, which the database admits')
  const resourceId = checkString(`${path}.resourceId`, rds.resourceId)
  if (!/^(db|cluster)-[A-Z0-9]+$/.test(resourceId)) {
    throw new InvalidOptionError(`${path}.resourceId`, "expected 'db-' or 'cluster-' and capitals and digits")
  }
  const user = checkString(`${path}.user`, rds.user)
  if (!/^\w{1,63}$/.test(user)) {
    throw new InvalidOptionError(`${path}.user`, 'expected 1 to 63 letters, digits and underscores')
  }
  if (owners.test(user)) {
    throw new InvalidOptionError(`${path}.user`, 'is a name of an owner: expected a user that looks up')
  }
  const securityGroupId = checkId(`${path}.securityGroupId`, rds.securityGroupId, 'sg')
  if (network.securityGroupIds.includes(securityGroupId)) {
    throw new InvalidOptionError(
      `${path}.securityGroupId`,
      'is one of network.securityGroupIds: expected that of the database'
    )
  }
  return {
    resourceId,
    user,
    securityGroupId,
    port: checkInteger(`${path}.port`, rds.port ?? 5_432, 1_150, 65_535)
  }
}
