import type { Control } from '../../control.ts'
import { functionFor, recordFunctionsOf, streamMappingsOf } from '../../functions.ts'
import { demand, demandAll, judge, type Problem, wrong } from '../../judge.ts'
import type { AuditModel, AuditResource } from '../../model.ts'
import { isTrue, listAt, nameIn, numberOf, resourceFor, resourcesOf, textAt, valueAt } from '../../readers.ts'

export const lam05: Control = {
  id: 'LAM-05',
  severity: 'medium',
  title:
    'A function that reads the stream gives a record up to a place that keeps it, after bounded tries, and logs to a group of its own.',
  rationale:
    'By default Lambda tries a batch until its records expire, and holds the shard for as long; with a bound and no ' +
    'destination it drops them. A log group that Lambda makes by itself has no key and no end.',
  fix:
    'Set DestinationConfig.OnFailure, MaximumRetryAttempts or MaximumRecordAgeInSeconds, BisectBatchOnFunctionError and ' +
    'ReportBatchItemFailures on the mapping, and make the log group of the function.',
  kind: 'resources',
  sources: { statements: [64] },
  evaluate: model => [
    ...streamMappingsOf(model).map(mapping =>
      judge(mapping, mappingProblems(model, mapping), 'bounded, bisected, and with a place for what failed')
    ),
    ...recordFunctionsOf(model).map(each =>
      judge(each, logProblems(model, each), 'its log group is made with it')
    )
  ]
}

function mappingProblems(model: AuditModel, { properties }: AuditResource): readonly Problem[] {
  const { MaximumRetryAttempts: attempts, MaximumRecordAgeInSeconds: age } = properties
  const target = valueAt(properties, 'DestinationConfig', 'OnFailure', 'Destination')
  const isBounded = (value: unknown) => (numberOf(value) ?? -1) >= 0
  return demandAll(
    demand('OnFailure', target, value => typeof value === 'string', 'it has no destination for what failed'),
    queueProblem(model, target),
    isBounded(age)
      ? undefined
      : demand('MaximumRetryAttempts', attempts, isBounded, 'it tries until the records expire'),
    demand(
      'BisectBatchOnFunctionError',
      properties.BisectBatchOnFunctionError,
      isTrue,
      'one bad record fails its whole batch'
    ),
    demand(
      'FunctionResponseTypes',
      listAt(properties, 'FunctionResponseTypes'),
      value => Array.isArray(value) && value.includes('ReportBatchItemFailures'),
      'it takes no report of which records failed'
    )
  )
}

function queueProblem(model: AuditModel, target: unknown): Problem | undefined {
  const queue = resourceFor(model, target, 'AWS::SQS::Queue')
  if (queue === undefined) return undefined
  return demand(
    `KmsMasterKeyId of ${queue.id}`,
    queue.properties.KmsMasterKeyId,
    value => value !== undefined,
    `${queue.id} has no key`
  )
}

function logProblems(model: AuditModel, own: AuditResource): readonly Problem[] {
  const named = textAt(own.properties, 'LoggingConfig', 'LogGroup')
  const groups = resourcesOf(model, 'AWS::Logs::LogGroup')
  const found =
    named === undefined
      ? groups.some(
          group =>
            nameIn(group.arn) === `/aws/lambda/${nameIn(own.arn)}` &&
            functionFor(model, nameIn(own.arn)) === own
        )
      : resourceFor(model, named, 'AWS::Logs::LogGroup') !== undefined
  return found ? [] : [wrong('its log group is not made with it: it has no key and no end')]
}
