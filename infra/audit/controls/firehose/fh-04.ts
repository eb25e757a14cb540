import type { Control } from '../../control.ts'
import { deliveryStreamsOf, destinationsOf, objectsOf, unknownPartsOf } from '../../delivery-streams.ts'
import { demand, judge, type Problem } from '../../judge.ts'
import type { AuditResource } from '../../model.ts'
import { isTrue, valueAt } from '../../readers.ts'

export const fh04: Control = {
  id: 'FH-04',
  severity: 'medium',
  title: 'Every destination and every backup logs the errors of delivery.',
  rationale:
    'Without a log group a refused right, a full index or an unreachable collector shows as objects under an error prefix ' +
    'at best, and somebody has to look for them.',
  fix: 'Set CloudWatchLoggingOptions with Enabled, LogGroupName and LogStreamName on each destination and S3 configuration.',
  kind: 'resources',
  sources: {},
  evaluate: model =>
    deliveryStreamsOf(model)
      .filter(stream => destinationsOf(stream).length > 0)
      .map(stream =>
        judge(
          stream,
          [...unknownPartsOf(stream), ...problemsOf(stream)],
          'destinations and backups log their errors'
        )
      )
}

function problemsOf(stream: AuditResource): readonly (Problem | undefined)[] {
  const places = [
    ...destinationsOf(stream).map(({ name, configuration }) => ({ path: name, configuration })),
    ...objectsOf(stream).filter(({ use }) => use !== 'sink')
  ]
  return places.flatMap(({ path, configuration }) => {
    const option = (name: string) => valueAt(configuration, 'CloudWatchLoggingOptions', name)
    return [
      demand(`logging of ${path}`, option('Enabled'), isTrue, `${path} logs no errors`),
      ...['LogGroupName', 'LogStreamName'].map(name =>
        demand(
          `${name} of ${path}`,
          option(name),
          value => typeof value === 'string',
          `${path} names no ${name}`
        )
      )
    ]
  })
}
