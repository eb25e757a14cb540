import { describe, expect, it } from 'vitest'
import { planAccess } from '../../infra/plan-access.ts'
import { planTemplate } from '../../infra/planner.ts'
import type { PipelinePlan } from '../../pipeline/plan.ts'
import { network, people, plans } from './plans.ts'
import { conversionRights } from './service-rights.ts'

const accountId = '111122223333'
const region = 'eu-west-1'

/** Statements of a role of the plan with everything that a scope gives. */
function rightsOf(name: string, plan: PipelinePlan = plans.services) {
  const access = planAccess(plan, { accountId, region })
  const policies = access.identityPolicies.get(`arn:aws:iam::${accountId}:role/${name}`)
  return policies?.flatMap(({ document }) => document.Statement) ?? []
}

function resourcesOf(type: string, plan: PipelinePlan = plans.services) {
  const { Resources } = planTemplate(plan)
  return Object.values(Resources).filter(({ Type }) => Type === type)
}

describe('a plan without services', () => {
  it('has no key for them', () => {
    const names = Object.keys(planTemplate(plans.everything).Resources)
    expect(names.filter(name => name.startsWith('ServicesKey'))).toEqual([])
  })
})

describe('the catalogue', () => {
  it('is read by the delivery stream that converts, and by no other', () => {
    expect(rightsOf('orders-s3-delivery').slice(-2)).toEqual(conversionRights)
    const plan: PipelinePlan = {
      ...plans.services,
      destinations: [...plans.services.destinations, { kind: 's3', deliveryStreamName: 'other' }]
    }
    expect(JSON.stringify(rightsOf('other-delivery', plan))).not.toContain('glue')
  })

  it('leads the delivery stream to the schema, and both to the same place', () => {
    const [table] = resourcesOf('AWS::Glue::Table')
    expect(table?.Properties.TableInput).toMatchObject({
      Name: 'orders_s3',
      StorageDescriptor: {
        Columns: [
          { Name: 'id', Type: 'bigint' },
          { Name: 'tags', Type: 'array<string>' }
        ],
        Location: 's3://orders-delivered/records/'
      }
    })
    const [stream] = resourcesOf('AWS::KinesisFirehose::DeliveryStream')
    expect(stream?.Properties.ExtendedS3DestinationConfiguration).toMatchObject({
      CompressionFormat: 'UNCOMPRESSED',
      BufferingHints: { SizeInMBs: 64 },
      DataFormatConversionConfiguration: {
        Enabled: true,
        SchemaConfiguration: { TableName: { Ref: 'OrdersS3GlueTable' }, VersionId: 'LATEST' }
      }
    })
  })

  it('writes columns in the format of the plan', () => {
    const { glue } = plans.services.services
    const plan = {
      ...plans.services,
      services: { glue: { conversions: [{ ...glue.conversions[0], format: 'orc' as const }] } }
    }
    const [stream] = resourcesOf('AWS::KinesisFirehose::DeliveryStream', plan)
    expect(JSON.stringify(stream)).toContain('OrcSerDe')
    expect(JSON.stringify(resourcesOf('AWS::Glue::Table', plan))).toContain('orc.OrcSerde')
  })

  it('is encrypted, passwords of connections too, unless somebody else sets that for the account', () => {
    const [settings] = resourcesOf('AWS::Glue::DataCatalogEncryptionSettings')
    const keyArn = { 'Fn::GetAtt': ['ServicesKey', 'Arn'] }
    expect(settings?.Properties.DataCatalogEncryptionSettings).toEqual({
      EncryptionAtRest: { CatalogEncryptionMode: 'SSE-KMS', SseAwsKmsKeyId: keyArn },
      ConnectionPasswordEncryption: { ReturnConnectionPasswordEncrypted: true, KmsKeyId: keyArn }
    })
    const plan = { ...plans.services, services: { glue: { catalogSettings: false } } }
    expect(resourcesOf('AWS::Glue::DataCatalogEncryptionSettings', plan)).toEqual([])
  })

  it('connects by TLS alone, with a secret by its name', () => {
    const [connection] = resourcesOf('AWS::Glue::Connection')
    expect(connection?.Properties.ConnectionInput).toMatchObject({
      ConnectionProperties: { JDBC_ENFORCE_SSL: 'true', SECRET_ID: expect.anything() },
      PhysicalConnectionRequirements: { SubnetId: network.subnetIds[0] }
    })
    expect(JSON.stringify(connection)).not.toMatch(/password/i)
  })

  it('needs a deployer, in whose name tables are encrypted', () => {
    const { deployerArn: _, custodianArn: __, ...others } = people
    expect(() => planTemplate({ ...plans.services, roles: others })).toThrow(
      'option roles.deployerArn: is missing: services.glue'
    )
  })
})
