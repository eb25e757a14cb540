import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { attributeOf } from '../placeholders.ts'
import { idPart } from '../plan-arns.ts'
import { mappedFunctions } from '../plan-readers.ts'
import type { TemplateResources } from '../template.ts'
import { failureQueueId } from './sqs.ts'

/** The event source mappings of functions that are there. */
export function mappingResources(plan: ResolvedPlan): TemplateResources {
  return Object.fromEntries(
    mappedFunctions(plan).map(({ functionArn, onFailureQueue, parallelizationFactor }) => [
      `${idPart(functionArn.split(':function:')[1]!)}EventSource`,
      {
        Type: 'AWS::Lambda::EventSourceMapping',
        Properties: {
          EventSourceArn: attributeOf('Stream', 'Arn'),
          FunctionName: functionArn,
          StartingPosition: plan.consumer.initialPosition,
          ParallelizationFactor: parallelizationFactor,
          BisectBatchOnFunctionError: true,
          MaximumRetryAttempts: 100,
          // Without it Lambda ignores which records failed.
          FunctionResponseTypes: ['ReportBatchItemFailures'],
          DestinationConfig: {
            OnFailure: { Destination: attributeOf(failureQueueId(onFailureQueue), 'Arn') }
          }
        }
      }
    ])
  )
}
