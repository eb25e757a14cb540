import type { Control } from '../../control.ts'
import {
  deliveryStreamsOf,
  destinationsOf,
  parameterOf,
  processorsOf,
  unknownPartsOf
} from '../../delivery-streams.ts'
import { qualifierFor } from '../../functions.ts'
import { demand, judge, type Problem } from '../../judge.ts'
import type { AuditModel } from '../../model.ts'
import { numberOf } from '../../readers.ts'

// An invocation takes 6 MB in and out, after base64: hence Firehose's own bound.
// https://docs.aws.amazon.com/firehose/latest/dev/data-transformation.html
const maxBufferMb = 3

export const fh05: Control = {
  id: 'FH-05',
  severity: 'medium',
  title: 'A transform is named by version or alias, and its buffer stays below what an invocation can carry.',
  rationale:
    'Under a bare name the next upload of code changes what opens the records, without a change to the pipeline. A buffer ' +
    'above 3 MB outgrows the 6 MB of an invocation once it is base64, and its records count as failed.',
  fix: 'End LambdaArn in an alias or version, and set BufferSizeInMBs to 3 or less.',
  kind: 'resources',
  sources: {},
  evaluate: model =>
    deliveryStreamsOf(model)
      .map(stream => ({
        stream,
        processors: destinationsOf(stream).flatMap(({ configuration }) => processorsOf(configuration))
      }))
      .filter(({ stream, processors }) => processors.length + unknownPartsOf(stream).length > 0)
      .map(({ stream, processors }) =>
        judge(
          stream,
          [...unknownPartsOf(stream), ...processors.flatMap(processor => problemsOf(model, processor))],
          'its transform is pinned and its buffer small enough'
        )
      )
}

function problemsOf(model: AuditModel, processor: unknown): readonly (Problem | undefined)[] {
  const buffer = parameterOf(processor, 'BufferSizeInMBs')
  return [
    demand(
      'LambdaArn',
      parameterOf(processor, 'LambdaArn'),
      arn => isPinned(arn) || qualifierFor(model, arn) !== undefined,
      'its transform is named without a version or an alias'
    ),
    demand(
      'BufferSizeInMBs',
      buffer,
      value => value === undefined || (numberOf(value) ?? Number.POSITIVE_INFINITY) <= maxBufferMb,
      `BufferSizeInMBs is above ${maxBufferMb}`
    )
  ]
}

function isPinned(arn: unknown): boolean {
  return typeof arn === 'string' && /:function:[^:]+:(?!\$LATEST$)[^:]+$/.test(arn)
}
