import type { PolicyStatement } from '../../infra/index.ts'

/*
 * What the services beside the pipeline `orders` may do, as a person wrote it down. Account 111122223333, region eu-west-1;
 * keys are named by their logical ids.
 */

const key = (name: string): string => `arn:aws:kms:eu-west-1:111122223333:key/${name}`

/** What the role of a delivery stream has besides, where its records are converted. */
export const conversionRights: readonly PolicyStatement[] = [
  {
    Sid: 'ReadSchema',
    Effect: 'Allow',
    Action: ['glue:GetTable', 'glue:GetTableVersion', 'glue:GetTableVersions'],
    Resource: [
      'arn:aws:glue:eu-west-1:111122223333:catalog',
      'arn:aws:glue:eu-west-1:111122223333:database/orders',
      'arn:aws:glue:eu-west-1:111122223333:table/orders/orders_s3'
    ]
  },
  {
    Sid: 'CatalogueKey',
    Effect: 'Allow',
    Action: ['kms:Decrypt'],
    Resource: key('ServicesKey'),
    Condition: {
      StringEquals: {
        'kms:ViaService': 'glue.eu-west-1.amazonaws.com',
        'kms:EncryptionContext:glue_catalog_id': '111122223333'
      }
    }
  }
]
