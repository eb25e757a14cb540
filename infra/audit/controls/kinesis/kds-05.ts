import type { Control } from '../../control.ts'
import { demand, judge } from '../../judge.ts'
import { numberOf } from '../../readers.ts'
import { streamsOf } from './streams.ts'

// A week is ours: long enough that an incident of a weekend can be read again. Kinesis keeps a year at most.
// https://docs.aws.amazon.com/streams/latest/dev/kinesis-extended-retention.html
const minHours = 168
const maxHours = 8_760

export const kds05: Control = {
  id: 'KDS-05',
  severity: 'medium',
  title: 'Records are kept for at least a week, so that they can be read again after an incident.',
  rationale:
    'A key that was disabled or a consumer that failed holds the stream where it is. What it could not read in time is ' +
    'gone when its retention ends; the default is a day.',
  fix: 'Set RetentionPeriodHours to 168 or more, and to no more than the class of the data allows.',
  kind: 'resources',
  sources: { securityHub: ['Kinesis.3'], prowler: ['kinesis_stream_data_retention_period'] },
  evaluate: model =>
    streamsOf(model).map(stream => {
      const { RetentionPeriodHours: hours } = stream.properties
      return judge(
        stream,
        [
          demand(
            'RetentionPeriodHours',
            hours,
            value => {
              const number = numberOf(value)
              return number !== undefined && number >= minHours && number <= maxHours
            },
            hours === undefined
              ? 'kept for the default of 24 hours'
              : `kept for ${numberOf(hours) ?? '?'} hours`
          )
        ],
        `kept for ${String(hours)} hours`
      )
    })
}
