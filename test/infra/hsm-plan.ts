import type { PipelinePlan } from '../../pipeline/plan.ts'
import { people } from './plans.ts'

/** With nothing but a cluster of HSMs. */
export const hsmPlan = {
  name: 'orders',
  roles: people,
  services: { cloudHsm: { subnetIds: ['subnet-0a1b2c3d', 'subnet-0a1b2c3e'] } }
} as const satisfies PipelinePlan
