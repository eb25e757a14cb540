import type { ResolvedPlan } from '../../pipeline/plan.ts'
import type { StepDraft } from './step.ts'

export function rdsSteps({ services: { rds } }: ResolvedPlan): readonly StepDraft[] {
  if (rds === undefined) return []
  return [
    {
      id: 'rds.createUser',
      title: 'Make the user of the lookups',
      by: 'the owner of the database',
      action: `PostgreSQL: CREATE USER ${rds.user}; GRANT rds_iam TO ${rds.user}; MySQL and MariaDB: CREATE USER ${rds.user} IDENTIFIED WITH AWSAuthenticationPlugin AS 'RDS' REQUIRE SSL; then SELECT on the tables of reference data, and on nothing else`,
      check: {
        expected: 'a worker connects with a token over TLS, and is refused without TLS and with a password'
      },
      waitsFor: [],
      gives: []
    }
  ]
}
