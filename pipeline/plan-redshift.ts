import { checkInteger, checkString } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import type { ResolvedDestination } from './destinations.ts'
import { section } from './plan-checks.ts'
import type { ServiceSurroundings } from './plan-services.ts'

/** A cluster of Redshift under the sink key, in the network of the plan. Needs `network` and `roles.deployerArn`. */
export interface PlanRedshift {
  /** 1 to 63 lower-case letters, digits and hyphens, the first a letter. @default the pipeline's name */
  readonly name?: string
  /** @default 'ra3.large' */
  readonly nodeType?: string
  /** Range 2 to 16. @default 2 */
  readonly nodes?: number
  /** 1 to 64 lower-case letters, digits and underscores, the first a letter. @default the pipeline's name, with `_` for hyphens */
  readonly database?: string
  /** Administrator, whose password Redshift itself keeps in Secrets Manager. @default 'administrator' */
  readonly masterUsername?: string
  /**
   * Addresses of Firehose in the region, such as `52.19.239.192/27`: the cluster then has a public address that admits them
   * alone. Firehose reaches it in no other way, so that a destination with `jdbcUrl: 'made'` needs it.
   * @default none: the cluster has no public address
   */
  readonly firehoseCidr?: string | undefined
}

export interface ResolvedRedshift extends Required<Omit<PlanRedshift, 'firehoseCidr'>> {
  readonly firehoseCidr: string | undefined
}

const path = 'services.redshift'

/** @throws InvalidOptionError */
export function resolveRedshift(value: PlanRedshift, around: ServiceSurroundings): ResolvedRedshift {
  const redshift = section(path, value, [
    'name',
    'nodeType',
    'nodes',
    'database',
    'masterUsername',
    'firehoseCidr'
  ])
  if (around.network === undefined) throw new InvalidOptionError(path, 'needs network, in which it stands')
  const text = (member: 'name' | 'nodeType' | 'database' | 'masterUsername', byDefault: string): string =>
    checkPattern(member, redshift[member] ?? byDefault)
  return {
    name: text('name', around.name),
    nodeType: text('nodeType', 'ra3.large'),
    nodes: checkInteger(`${path}.nodes`, redshift.nodes ?? 2, 2, 16),
    database: text('database', around.name.replaceAll('-', '_')),
    masterUsername: text('masterUsername', 'administrator'),
    firehoseCidr: redshift.firehoseCidr === undefined ? undefined : checkCidr(redshift.firehoseCidr)
  }
}

const patterns = {
  name: {
    pattern: /^[a-z](-?[a-z0-9]+){0,62}$/,
    accepted: 'lower-case letters, digits and single hyphens, the first a letter'
  },
  nodeType: { pattern: /^[a-z0-9]+\.[a-z0-9]+$/, accepted: 'a type of node, such as ra3.large' },
  database: {
    pattern: /^[a-z][a-z0-9_]{0,63}$/,
    accepted: 'lower-case letters, digits and underscores, the first a letter'
  },
  masterUsername: {
    pattern: /^[a-z][a-z0-9_]{0,127}$/,
    accepted: 'lower-case letters, digits and underscores, the first a letter'
  }
} as const

function checkPattern(member: keyof typeof patterns, value: unknown): string {
  const option = `${path}.${member}`
  const text = checkString(option, value)
  const { pattern, accepted } = patterns[member]
  if (pattern.test(text) && text.length <= 128) return text
  throw new InvalidOptionError(option, `expected ${accepted}`)
}

/** Firehose has one range of 32 addresses in each region. */
function checkCidr(value: unknown): string {
  const option = `${path}.firehoseCidr`
  const cidr = checkString(option, value)
  if (/^\d{1,3}(\.\d{1,3}){3}\/27$/.test(cidr)) return cidr
  throw new InvalidOptionError(
    option,
    'expected the addresses of Firehose in the region, such as 52.19.239.192/27'
  )
}

/** What a destination of the cluster, or domain, that is made needs. @throws InvalidOptionError */
export function checkMadeDestinations(
  destinations: readonly ResolvedDestination[],
  redshift: ResolvedRedshift | undefined,
  hasDomain: boolean
): void {
  for (const [index, destination] of destinations.entries()) {
    const option = `destinations[${index}]`
    if (destination.kind === 'redshift' && destination.jdbcUrl === 'made') {
      if (redshift === undefined) {
        throw new InvalidOptionError(`${option}.jdbcUrl`, "is 'made', which needs services.redshift")
      }
      if (redshift.firehoseCidr !== undefined) continue
      throw new InvalidOptionError(
        `${path}.firehoseCidr`,
        `is missing: Firehose could not reach it for ${option}`
      )
    }
    const isMade = 'domainArn' in destination && destination.domainArn === 'made'
    if (!isMade || (destination.kind === 'opensearch' && hasDomain)) continue
    throw new InvalidOptionError(
      `${option}.domainArn`,
      "is 'made', which needs services.openSearch, and the kind 'opensearch'"
    )
  }
}
