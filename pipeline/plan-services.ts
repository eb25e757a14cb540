import type { ResolvedDestination } from './destinations.ts'
import { section } from './plan-checks.ts'
import { type PlanCloudHsm, type ResolvedCloudHsm, resolveCloudHsm } from './plan-cloud-hsm.ts'
import { type PlanFlink, type ResolvedFlink, resolveFlink } from './plan-flink.ts'
import { type PlanFunction, type ResolvedFunction, resolveFunctions } from './plan-functions.ts'
import { type PlanGlue, type ResolvedGlue, resolveGlue } from './plan-glue.ts'
import { type PlanIot, type ResolvedIot, resolveIot } from './plan-iot.ts'
import type { ResolvedKey } from './plan-keys.ts'
import type { ResolvedNetwork } from './plan-network.ts'
import { type PlanOpenSearch, type ResolvedOpenSearch, resolveOpenSearch } from './plan-open-search.ts'
import { type PlanRds, type ResolvedRds, resolveRds } from './plan-rds.ts'
import {
  checkMadeDestinations,
  type PlanRedshift,
  type ResolvedRedshift,
  resolveRedshift
} from './plan-redshift.ts'
import type { StreamReader } from './stream-readers.ts'

/** Services beside the pipeline that a template makes. Each is absent unless the plan has it; a process reads none of it. */
export interface PlanServices {
  /** HSMs of your own for the envelope key. */
  readonly cloudHsm?: PlanCloudHsm
  /** Functions that readers of the stream name, and that are not there yet. @default [] */
  readonly functions?: readonly PlanFunction[]
  /** An application of Flink that reads the stream. */
  readonly flink?: PlanFlink
  /** Devices that write to the stream. */
  readonly iot?: PlanIot
  /** Catalogue of what is delivered, and its conversion to columns. */
  readonly glue?: PlanGlue
  /** A cluster, which a destination names as `jdbcUrl: 'made'`. */
  readonly redshift?: PlanRedshift
  /** A domain, which a destination names as `domainArn: 'made'`. */
  readonly openSearch?: PlanOpenSearch
  /** A database that is there, for reference data. */
  readonly rds?: PlanRds
}

/** Undefined: the plan has none. */
export interface ResolvedServices {
  readonly cloudHsm: ResolvedCloudHsm | undefined
  readonly functions: readonly ResolvedFunction[]
  readonly flink: ResolvedFlink | undefined
  readonly iot: ResolvedIot | undefined
  readonly glue: ResolvedGlue | undefined
  readonly redshift: ResolvedRedshift | undefined
  readonly openSearch: ResolvedOpenSearch | undefined
  readonly rds: ResolvedRds | undefined
}

/** What of the plan the services go by. */
export interface ServiceSurroundings {
  readonly name: string
  readonly streamName: string
  readonly sealMode: 'aggregate' | 'record' | 'off'
  readonly destinations: readonly ResolvedDestination[]
  readonly network: ResolvedNetwork | undefined
  readonly readers: readonly StreamReader[]
  readonly envelope: ResolvedKey
}

/** @throws InvalidOptionError naming the member, such as `services.glue.conversions[0].columns` */
export function resolveServices(
  value: PlanServices | undefined,
  around: ServiceSurroundings
): ResolvedServices {
  const services = section('services', value, [
    'cloudHsm',
    'functions',
    'flink',
    'iot',
    'glue',
    'redshift',
    'openSearch',
    'rds'
  ])
  const { cloudHsm, functions, flink, iot, glue, openSearch, rds } = services
  const redshift = services.redshift === undefined ? undefined : resolveRedshift(services.redshift, around)
  checkMadeDestinations(around.destinations, redshift, openSearch !== undefined)
  return {
    cloudHsm: cloudHsm === undefined ? undefined : resolveCloudHsm(cloudHsm, around),
    functions: resolveFunctions(functions, around.readers),
    flink: flink === undefined ? undefined : resolveFlink(flink, around),
    iot: iot === undefined ? undefined : resolveIot(iot, around),
    glue: glue === undefined ? undefined : resolveGlue(glue, around),
    redshift,
    openSearch: openSearch === undefined ? undefined : resolveOpenSearch(openSearch, around),
    rds: rds === undefined ? undefined : resolveRds(rds, around)
  }
}
