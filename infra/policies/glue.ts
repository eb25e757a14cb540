import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { glueArn, keyArn } from '../plan-arns.ts'
import type { PolicyStatement } from '../policy-document.ts'
import { throughGlue } from './conditions.ts'

/** What a delivery stream that converts its records reads of the catalogue: nothing for one that does not. */
export function readingSchema(plan: ResolvedPlan, deliveryStreamName: string): readonly PolicyStatement[] {
  const { glue } = plan.services
  const conversion = glue?.conversions.find(each => each.deliveryStreamName === deliveryStreamName)
  if (glue === undefined || conversion === undefined) return []
  return [
    {
      Sid: 'ReadSchema',
      Effect: 'Allow',
      Action: ['glue:GetTable', 'glue:GetTableVersion', 'glue:GetTableVersions'],
      // The service asks for the right to all three.
      Resource: [
        glueArn('catalog'),
        glueArn(`database/${glue.database}`),
        glueArn(`table/${glue.database}/${conversion.table}`)
      ]
    },
    {
      Sid: 'CatalogueKey',
      Effect: 'Allow',
      Action: ['kms:Decrypt'],
      Resource: keyArn(plan, 'services'),
      Condition: throughGlue()
    }
  ]
}
