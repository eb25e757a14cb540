import type { Control } from '../../control.ts'
import { demand, demandAll, judge, type Problem, unknown, wrong } from '../../judge.ts'
import type { AuditResource } from '../../model.ts'
import { isTrue } from '../../readers.ts'
import { databasesOf, familyOf, isCopy } from './databases.ts'

export const rds04: Control = {
  id: 'RDS-04',
  severity: 'medium',
  title:
    'Workers log on to databases by IAM where the engine can, and the password of the owner is kept by Secrets Manager.',
  rationale:
    'IAM guards the API of the service, never the rows: who may do what inside is said there, and SQL Server and Oracle ' +
    'may encrypt once more. A token of IAM lasts for minutes, and a password until somebody changes it.',
  fix: 'Set EnableIAMDatabaseAuthentication and ManageMasterUserPassword, and remove MasterUserPassword.',
  kind: 'resources',
  sources: {
    statements: [55, 56, 57, 58, 59],
    securityHub: ['RDS.10', 'RDS.12'],
    cdkNag: ['RDS6'],
    checkov: ['CKV_AWS_161', 'CKV_AWS_162']
  },
  reads: ['rds:DescribeDBInstances', 'rds:DescribeDBClusters'],
  evaluate: model =>
    databasesOf(model).map(database =>
      judge(
        database,
        [...authenticationProblems(database), ...passwordProblems(database)],
        familyOf(database) === 'postgres' || familyOf(database) === 'mysql'
          ? 'IAM lets workers in, and Secrets Manager keeps the password'
          : 'its engine has no authentication by IAM; Secrets Manager keeps the password'
      )
    )
}

function authenticationProblems(database: AuditResource): readonly Problem[] {
  const family = familyOf(database)
  if (family === undefined) return [unknown('its engine cannot be told')]
  if (family === 'sqlserver' || family === 'other') return []
  return demandAll(
    demand(
      'EnableIAMDatabaseAuthentication',
      database.properties.EnableIAMDatabaseAuthentication,
      isTrue,
      'its users have passwords alone'
    )
  )
}

function passwordProblems(database: AuditResource): readonly Problem[] {
  const { MasterUserPassword: password, ManageMasterUserPassword: managed } = database.properties
  if (typeof password === 'string' && password.startsWith('{{resolve:secretsmanager:')) return []
  // Whatever else stands there was written into the template, or comes from a parameter.
  if (password !== undefined) return [wrong('MasterUserPassword stands in its configuration')]
  if (isCopy(database) && managed === undefined)
    return [unknown('it takes over the password of what it is made from')]
  return demandAll(
    demand(
      'ManageMasterUserPassword',
      managed,
      isTrue,
      'the password of its owner is not kept by Secrets Manager'
    )
  )
}
