import type { ResolvedDestination } from './destinations.ts'
import { section } from './plan-checks.ts'
import { type PlanFunction, type ResolvedFunction, resolveFunctions } from './plan-functions.ts'
import { type PlanGlue, type ResolvedGlue, resolveGlue } from './plan-glue.ts'
import type { ResolvedNetwork } from './plan-network.ts'
import type { StreamReader } from './stream-readers.ts'

/** Services beside the pipeline that a template makes. Each is absent unless the plan has it; a process reads none of it. */
export interface PlanServices {
  /** Functions that readers of the stream name, and that are not there yet. @default [] */
  readonly functions?: readonly PlanFunction[]
  /** Catalogue of what is delivered, and its conversion to columns. */
  readonly glue?: PlanGlue
}

/** Undefined: the plan has none. */
export interface ResolvedServices {
  readonly functions: readonly ResolvedFunction[]
  readonly glue: ResolvedGlue | undefined
}

/** What of the plan the services go by. */
export interface ServiceSurroundings {
  readonly name: string
  readonly destinations: readonly ResolvedDestination[]
  readonly network: ResolvedNetwork | undefined
  readonly readers: readonly StreamReader[]
}

/** @throws InvalidOptionError naming the member, such as `services.glue.conversions[0].columns` */
export function resolveServices(value: unknown, around: ServiceSurroundings): ResolvedServices {
  const services = section('services', value as PlanServices | undefined, ['functions', 'glue'])
  const { functions, glue } = services
  return {
    functions: resolveFunctions(functions, around.readers),
    glue: glue === undefined ? undefined : resolveGlue(glue, around)
  }
}
