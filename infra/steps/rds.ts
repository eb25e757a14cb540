import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { doing, type PlanStep } from './step.ts'

export function rdsSteps({ services: { rds } }: ResolvedPlan): readonly PlanStep[] {
  if (rds === undefined) return []
  return [
    doing(
      'rds.createUser',
      'Make the user of the lookups',
      'the owner of the database',
      `PostgreSQL: CREATE USER ${rds.user}; GRANT rds_iam TO ${rds.user}; MySQL and MariaDB: CREATE USER ${rds.user} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL; then SELECT on the tables of reference data, and on nothing else`,
      'a worker connects with a token over TLS, and is refused without TLS and with a password'
    )
  ]
}
