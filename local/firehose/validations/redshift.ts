import { constraintError } from '../../constraint-error.ts'
import { isLoopback, parseJdbcUrl } from '../../redshift/jdbc-url.ts'
import type { RedshiftSettings } from '../settings.ts'
import { parseS3, parseSourceBackup, roleArnPattern } from './s3.ts'
import { invalid, type Shape } from './shape.ts'

/** The API reference's for ClusterJDBCURL. */
const jdbcUrlPattern =
  /^jdbc:(redshift|postgresql):\/\/((?!-)[A-Za-z0-9-]{1,63}(?<!-)\.)+(redshift(-serverless)?)\.([a-zA-Z0-9.]+):\d{1,5}\/[a-zA-Z0-9_$-]+$/

/**
 * A configuration of Redshift. `s3Member` and `backupMember` are what its configurations of S3 are called in the path,
 * `receiverUrl` the JDBC address of the receiver, whatever its host is called.
 */
export function parseRedshift(
  shape: Shape,
  s3Member: string,
  backupMember: string,
  receiverUrl: string | undefined
): RedshiftSettings {
  const roleArn = shape.required('RoleARN', { pattern: roleArnPattern })
  const url = jdbcUrl(shape, receiverUrl)
  const command = shape.requiredChild('CopyCommand')
  const copy = {
    tableName: command.required('DataTableName', { max: 512 }),
    tableColumns: command.text('DataTableColumns', { max: 204_800 }),
    copyOptions: command.text('CopyOptions', { max: 204_800 })
  }
  const username = shape.text('Username', { max: 512 })
  const password = passwordOf(shape)
  const retrySeconds = shape.child('RetryOptions').number('DurationInSeconds', 0, 7200, 3600)
  const s3 = parseIntermediateS3(shape.requiredChild('S3Configuration', s3Member))
  const sourceBackup = parseSourceBackup(shape, backupMember)
  shape.refuse('SecretsManagerConfiguration')
  if (username === '' || password === '') {
    throw invalid('Username and Password must be specified when SecretsManagerConfiguration is not.')
  }
  return {
    kind: 'redshift',
    roleArn,
    jdbcUrl: url,
    username,
    password,
    ...copy,
    retrySeconds,
    s3,
    sourceBackup
  }
}

/** A host of Redshift; one on loopback as well, or nothing here could be delivered to. */
function jdbcUrl(shape: Shape, receiverUrl: string | undefined): string {
  const url = shape.required('ClusterJDBCURL', { max: 512 })
  const host = parseJdbcUrl(url)?.host
  if (url === receiverUrl || (host !== undefined && isLoopback(host)) || jdbcUrlPattern.test(url)) return url
  throw constraintError(
    shape.at('ClusterJDBCURL'),
    `Member must satisfy regular expression pattern: ${jdbcUrlPattern.source.replaceAll('\\/', '/').slice(1, -1)}`
  )
}

function passwordOf(shape: Shape): string {
  const password = shape.text('Password', { max: 512 })
  if (shape.has('Password') && password.length < 6) {
    throw constraintError(shape.at('Password'), 'Member must have length greater than or equal to 6')
  }
  return password
}

/** What COPY reads: it knows neither prefixes with expressions nor formats other than gzip. */
function parseIntermediateS3(shape: Shape): RedshiftSettings['s3'] {
  if (shape.text('Prefix').includes('!{')) {
    throw invalid('Prefix must not contain expressions for a Redshift destination.')
  }
  if (shape.text('ErrorOutputPrefix') !== '') {
    throw invalid('ErrorOutputPrefix must not be specified for a Redshift destination.')
  }
  const compression = shape.text('CompressionFormat')
  if (['ZIP', 'Snappy', 'HADOOP_SNAPPY'].includes(compression)) {
    throw invalid(`CompressionFormat ${compression} is not supported for a Redshift destination.`)
  }
  return parseS3(shape)
}
