import type { Control } from '../../control.ts'
import { demand, demandAll, judge, type Problem, unknown, wrong } from '../../judge.ts'
import { type AuditResource, unknownValue } from '../../model.ts'
import { isTrue, resourcesOf, valueAt } from '../../readers.ts'

export const glu03: Control = {
  id: 'GLU-03',
  severity: 'high',
  title: 'JDBC connections of Glue demand TLS, and take their credentials from Secrets Manager.',
  rationale:
    'A connection is used by whichever job names it, over whatever lies between. A password in it is handed out to ' +
    'whoever may read connections, and stands in the template that made it.',
  fix: 'Set JDBC_ENFORCE_SSL to "true" and SECRET_ID in ConnectionProperties, and remove PASSWORD.',
  kind: 'resources',
  sources: {
    statements: [67],
    prowler: ['glue_database_connections_ssl_enabled', 'glue_catalog_connection_no_secrets']
  },
  reads: ['glue:GetConnection'],
  evaluate: model =>
    resourcesOf(model, 'AWS::Glue::Connection')
      .filter(connection => {
        const type = valueAt(connection.properties, 'ConnectionInput', 'ConnectionType')
        return type === 'JDBC' || type === unknownValue
      })
      .map(connection =>
        judge(connection, problemsOf(connection), 'TLS is demanded, credentials are a secret')
      )
}

/** Names of properties alone: no value is ever told. */
function problemsOf({ properties }: AuditResource): readonly Problem[] {
  const given = valueAt(properties, 'ConnectionInput', 'ConnectionProperties')
  // Newer connections name it apart.
  const secret =
    valueAt(given, 'SECRET_ID') ??
    valueAt(properties, 'ConnectionInput', 'AuthenticationConfiguration', 'SecretArn')
  if (given === unknownValue) return [unknown('its properties cannot be told')]
  return demandAll(
    demand('JDBC_ENFORCE_SSL', valueAt(given, 'JDBC_ENFORCE_SSL'), isTrue, 'it does not demand TLS'),
    ...['PASSWORD', 'ENCRYPTED_PASSWORD']
      .filter(name => valueAt(given, name) !== undefined)
      .map(name => wrong(`${name} stands in the connection`)),
    demand('SECRET_ID', secret, value => typeof value === 'string' && value !== '', 'it names no secret')
  )
}
