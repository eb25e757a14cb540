import { type AuditResource, unknownValue } from '../../model.ts'
import { isObject, textAt, valueAt } from '../../readers.ts'
import { resourceArn, type TemplateScope } from '../../template/resource-names.ts'
import type { AccountReader } from './account-reader.ts'
import { resource } from './resource.ts'

/** How the catalog of the account is encrypted, and its policy. */
export async function readDataCatalog(
  reader: AccountReader,
  scope: TemplateScope
): Promise<readonly AuditResource[]> {
  if (!reader.has('glue')) return []
  const read = (operation: string, ...absent: readonly string[]) =>
    reader.read({ service: 'glue', operation, input: {} }, 'catalog', absent)
  const settings = valueAt(await read('GetDataCatalogEncryptionSettings'), 'DataCatalogEncryptionSettings')
  const passwords = valueAt(settings, 'ConnectionPasswordEncryption')
  const policy = valueAt(await read('GetResourcePolicy', 'EntityNotFoundException'), 'PolicyInJson')
  const settingsType = 'AWS::Glue::DataCatalogEncryptionSettings'
  const arn = resourceArn(settingsType, 'catalog', scope)
  return [
    resource(settingsType, 'catalog', arn, 'glue:GetDataCatalogEncryptionSettings', {
      DataCatalogEncryptionSettings:
        settings === unknownValue
          ? unknownValue
          : {
              EncryptionAtRest: valueAt(settings, 'EncryptionAtRest'),
              ConnectionPasswordEncryption: isObject(passwords)
                ? {
                    ReturnConnectionPasswordEncrypted: passwords.ReturnConnectionPasswordEncrypted,
                    KmsKeyId: passwords.AwsKmsKeyId
                  }
                : passwords
            }
    }),
    ...(policy === undefined || policy === ''
      ? []
      : [
          // CloudFormation has no type for it.
          resource('AWS::Glue::ResourcePolicy', 'catalog policy', arn, 'glue:GetResourcePolicy', {
            PolicyDocument: policy
          })
        ])
  ]
}

export async function readGlueConnection(
  reader: AccountReader,
  scope: TemplateScope,
  name: string
): Promise<readonly AuditResource[]> {
  const input = { Name: name, HidePassword: true }
  const connection = await readGlue(reader, 'GetConnection', input, 'Connection', name)
  if (connection === undefined) return []
  const properties = valueAt(connection, 'ConnectionProperties')
  return [
    glueResource(scope, 'Connection', name, 'GetConnection', {
      ConnectionInput: {
        ConnectionType: valueAt(connection, 'ConnectionType'),
        AuthenticationConfiguration: valueAt(connection, 'AuthenticationConfiguration'),
        ConnectionProperties: isObject(properties) ? withoutPassword(properties) : properties
      }
    })
  ]
}

/** That there is one is all that has to be known. */
function withoutPassword(properties: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name, /PASSWORD/.test(name) ? 'hidden' : value])
  )
}

export async function readSecurityConfiguration(
  reader: AccountReader,
  scope: TemplateScope,
  name: string
): Promise<readonly AuditResource[]> {
  const found = await readGlue(
    reader,
    'GetSecurityConfiguration',
    { Name: name },
    'SecurityConfiguration',
    name
  )
  if (found === undefined) return []
  const encryption = valueAt(found, 'EncryptionConfiguration')
  return [
    glueResource(scope, 'SecurityConfiguration', name, 'GetSecurityConfiguration', {
      EncryptionConfiguration: {
        S3Encryptions: valueAt(encryption, 'S3Encryption'),
        CloudWatchEncryption: valueAt(encryption, 'CloudWatchEncryption'),
        JobBookmarksEncryption: valueAt(encryption, 'JobBookmarksEncryption')
      }
    })
  ]
}

/** A job, and the security configuration that it names. */
export async function readGlueJob(
  reader: AccountReader,
  scope: TemplateScope,
  name: string
): Promise<readonly AuditResource[]> {
  const job = await readGlue(reader, 'GetJob', { JobName: name }, 'Job', name)
  if (job === undefined) return []
  const configuration = textAt(job, 'SecurityConfiguration')
  return [
    glueResource(scope, 'Job', name, 'GetJob', { SecurityConfiguration: configuration }),
    ...(configuration === undefined ? [] : await readSecurityConfiguration(reader, scope, configuration))
  ]
}

/** A crawler, and the security configuration that it names. */
export async function readCrawler(
  reader: AccountReader,
  scope: TemplateScope,
  name: string
): Promise<readonly AuditResource[]> {
  const crawler = await readGlue(reader, 'GetCrawler', { Name: name }, 'Crawler', name)
  if (crawler === undefined) return []
  const configuration = textAt(crawler, 'CrawlerSecurityConfiguration')
  return [
    glueResource(scope, 'Crawler', name, 'GetCrawler', { CrawlerSecurityConfiguration: configuration }),
    ...(configuration === undefined ? [] : await readSecurityConfiguration(reader, scope, configuration))
  ]
}

async function readGlue(
  reader: AccountReader,
  operation: string,
  input: Readonly<Record<string, unknown>>,
  member: string,
  name: string
): Promise<object | undefined> {
  if (!reader.has('glue')) return undefined
  const found = valueAt(await reader.read({ service: 'glue', operation, input }, name), member)
  return isObject(found) ? found : undefined
}

function glueResource(
  scope: TemplateScope,
  kind: string,
  name: string,
  operation: string,
  properties: Readonly<Record<string, unknown>>
): AuditResource {
  const type = `AWS::Glue::${kind}`
  return resource(type, name, resourceArn(type, name, scope), `glue:${operation}`, {
    Name: name,
    ...properties
  })
}
