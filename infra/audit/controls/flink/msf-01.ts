import type { Control } from '../../control.ts'
import { demand, judge, wrong } from '../../judge.ts'
import { resourcesOf } from '../../readers.ts'
import { applicationsOf } from './applications.ts'

export const msf01: Control = {
  id: 'MSF-01',
  severity: 'medium',
  title: 'No analytics application is one of SQL.',
  rationale:
    'Applications of SQL were closed to new ones in October 2025, and are deleted since January 2026: what still names ' +
    'one does not run.',
  fix: 'Replace it by AWS::KinesisAnalyticsV2::Application with a RuntimeEnvironment of Flink.',
  kind: 'resources',
  sources: { statements: [20] },
  reads: ['kinesisanalytics:DescribeApplication'],
  evaluate: model => [
    ...resourcesOf(model, 'AWS::KinesisAnalytics::Application').map(application =>
      judge(application, [wrong('it is an application of SQL')], '')
    ),
    ...applicationsOf(model).map(application =>
      judge(
        application,
        [
          demand(
            'RuntimeEnvironment',
            application.properties.RuntimeEnvironment,
            value => typeof value === 'string' && /^(ZEPPELIN-)?FLINK-/.test(value),
            'its runtime is not Flink'
          )
        ],
        'it runs Flink'
      )
    )
  ]
}
