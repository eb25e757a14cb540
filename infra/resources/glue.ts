import type { ResolvedConnection, ResolvedConversion, ResolvedPlan } from '../../pipeline/plan.ts'
import { accountId, refTo, region } from '../placeholders.ts'
import { deliveryRoleId, idPart, keyArn, roleArn, secretArn } from '../plan-arns.ts'
import { securityConfiguration } from '../plan-services.ts'
import { after, type TemplateResource, type TemplateResources } from '../template.ts'

export const databaseId = 'GlueDatabase'
const settingsId = 'GlueCatalogSettings'

/** What the catalogue knows of what is delivered, how it is encrypted, and a connection to a database that is there. */
export function glueResources(plan: ResolvedPlan): TemplateResources {
  const { glue } = plan.services
  if (glue === undefined) return {}
  const key = keyArn(plan, 'services')
  return {
    ...(glue.catalogSettings ? { [settingsId]: catalogSettings(key) } : {}),
    GlueSecurityConfiguration: {
      Type: 'AWS::Glue::SecurityConfiguration',
      Properties: {
        Name: securityConfiguration(plan),
        EncryptionConfiguration: {
          S3Encryptions: [{ S3EncryptionMode: 'SSE-KMS', KmsKeyArn: key }],
          CloudWatchEncryption: { CloudWatchEncryptionMode: 'SSE-KMS', KmsKeyArn: key },
          JobBookmarksEncryption: { JobBookmarksEncryptionMode: 'CSE-KMS', KmsKeyArn: key }
        }
      }
    },
    [databaseId]: {
      Type: 'AWS::Glue::Database',
      // What was there before the catalogue was encrypted stays as it is.
      ...(glue.catalogSettings ? after(settingsId) : {}),
      Properties: {
        CatalogId: accountId,
        DatabaseInput: { Name: glue.database, Description: `What ${plan.name} delivers` }
      }
    },
    ...Object.fromEntries(
      glue.conversions.map(conversion => [tableId(conversion.table), table(plan, conversion)])
    ),
    ...(glue.connection === undefined ? {} : { GlueConnection: connection(plan, glue.connection) })
  }
}

const tableId = (name: string): string => `${idPart(name)}GlueTable`

/** One for all databases of the account and region. */
function catalogSettings(key: string): TemplateResource {
  return {
    Type: 'AWS::Glue::DataCatalogEncryptionSettings',
    Properties: {
      CatalogId: accountId,
      DataCatalogEncryptionSettings: {
        EncryptionAtRest: { CatalogEncryptionMode: 'SSE-KMS', SseAwsKmsKeyId: key },
        ConnectionPasswordEncryption: { ReturnConnectionPasswordEncrypted: true, KmsKeyId: key }
      }
    }
  }
}

// Names of classes that Hive and Athena read the objects with.
const formats = {
  parquet: {
    input: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
    output: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
    serialization: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
    serializer: { ParquetSerDe: { Compression: 'SNAPPY' } }
  },
  orc: {
    input: 'org.apache.hadoop.hive.ql.io.orc.OrcInputFormat',
    output: 'org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat',
    serialization: 'org.apache.hadoop.hive.ql.io.orc.OrcSerde',
    serializer: { OrcSerDe: { Compression: 'SNAPPY' } }
  }
} as const

function table(
  { destinations }: ResolvedPlan,
  { deliveryStreamName, format, table: name, columns }: ResolvedConversion
): TemplateResource {
  const { bucket, prefix } = destinations.find(each => each.deliveryStreamName === deliveryStreamName)!
  const { input, output, serialization } = formats[format]
  return {
    Type: 'AWS::Glue::Table',
    Properties: {
      CatalogId: accountId,
      DatabaseName: refTo(databaseId),
      TableInput: {
        Name: name,
        TableType: 'EXTERNAL_TABLE',
        Parameters: { EXTERNAL: 'TRUE', classification: format },
        StorageDescriptor: {
          Columns: columns.map(({ name: Name, type: Type }) => ({ Name, Type })),
          Location: `s3://${bucket}/${prefix}`,
          InputFormat: input,
          OutputFormat: output,
          SerdeInfo: { SerializationLibrary: serialization }
        }
      }
    }
  }
}

function connection(
  { network }: ResolvedPlan,
  { name, jdbcUrl, secret, availabilityZone }: ResolvedConnection
): TemplateResource {
  return {
    Type: 'AWS::Glue::Connection',
    Properties: {
      CatalogId: accountId,
      ConnectionInput: {
        Name: name,
        ConnectionType: 'JDBC',
        ConnectionProperties: {
          JDBC_CONNECTION_URL: jdbcUrl,
          JDBC_ENFORCE_SSL: 'true',
          SECRET_ID: secretArn(secret)
        },
        PhysicalConnectionRequirements: {
          AvailabilityZone: availabilityZone,
          SubnetId: network!.subnetIds[0],
          SecurityGroupIdList: network!.securityGroupIds
        }
      }
    }
  }
}

/** Of the destination of a delivery stream, where the plan converts its records. */
export function formatConversion(plan: ResolvedPlan, deliveryStreamName: string): object {
  const conversion = plan.services.glue?.conversions.find(
    each => each.deliveryStreamName === deliveryStreamName
  )
  if (conversion === undefined) return {}
  return {
    DataFormatConversionConfiguration: {
      Enabled: true,
      InputFormatConfiguration: { Deserializer: { OpenXJsonSerDe: {} } },
      OutputFormatConfiguration: { Serializer: formats[conversion.format].serializer },
      SchemaConfiguration: {
        CatalogId: accountId,
        DatabaseName: refTo(databaseId),
        TableName: refTo(tableId(conversion.table)),
        Region: region,
        RoleARN: roleArn(deliveryRoleId(deliveryStreamName)),
        VersionId: 'LATEST'
      }
    }
  }
}
