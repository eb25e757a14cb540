import { checkInteger, checkString } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import { section } from './plan-checks.ts'
import { checkRoleArn } from './plan-names.ts'
import type { ServiceSurroundings } from './plan-services.ts'

/** A domain of OpenSearch Service under the sink key, in the first two subnets of the plan's network. Needs `network`. */
export interface PlanOpenSearch {
  /** 3 to 28 lower-case letters, digits and hyphens, the first a letter. @default the first 28 of the pipeline's name */
  readonly name?: string
  /** @default 'OpenSearch_3.1' */
  readonly version?: string
  /** Of the nodes that hold data, and of the three that manage the others. @default 'r7g.large.search' */
  readonly instanceType?: string
  /** An even number, for two zones. Range 2 to 80. @default 2 */
  readonly instances?: number
  /** Of each node, in GiB. Range 10 to 16_384. @default 100 */
  readonly volumeGiB?: number
  /** ARN of a role that is there, which alone administers the domain: it has no users of its own. */
  readonly masterRoleArn: string
}

export interface ResolvedOpenSearch extends Required<PlanOpenSearch> {}

const path = 'services.openSearch'

/** @throws InvalidOptionError */
export function resolveOpenSearch(value: PlanOpenSearch, around: ServiceSurroundings): ResolvedOpenSearch {
  const domain = section(path, value, [
    'name',
    'version',
    'instanceType',
    'instances',
    'volumeGiB',
    'masterRoleArn'
  ])
  if ((around.network?.subnetIds.length ?? 0) < 2) {
    throw new InvalidOptionError(path, 'needs network, with two subnets in which it stands')
  }
  const name = checkString(`${path}.name`, domain.name ?? around.name.slice(0, 28))
  if (!/^[a-z][a-z0-9-]{2,27}$/.test(name)) {
    throw new InvalidOptionError(
      `${path}.name`,
      'expected 3 to 28 lower-case letters, digits and hyphens, the first a letter'
    )
  }
  const version = checkString(`${path}.version`, domain.version ?? 'OpenSearch_3.1')
  if (!/^OpenSearch_\d+\.\d+$/.test(version)) {
    throw new InvalidOptionError(`${path}.version`, "expected a version, such as 'OpenSearch_3.1'")
  }
  const instanceType = checkString(`${path}.instanceType`, domain.instanceType ?? 'r7g.large.search')
  if (!/^[a-z0-9]+\.[a-z0-9]+\.search$/.test(instanceType)) {
    throw new InvalidOptionError(
      `${path}.instanceType`,
      "expected a type of instance, such as 'r7g.large.search'"
    )
  }
  const instances = checkInteger(`${path}.instances`, domain.instances ?? 2, 2, 80)
  if (instances % 2 === 1)
    throw new InvalidOptionError(`${path}.instances`, 'expected an even number, for two zones')
  return {
    name,
    version,
    instanceType,
    instances,
    volumeGiB: checkInteger(`${path}.volumeGiB`, domain.volumeGiB ?? 100, 10, 16_384),
    masterRoleArn: checkRoleArn(`${path}.masterRoleArn`, domain.masterRoleArn)
  }
}
