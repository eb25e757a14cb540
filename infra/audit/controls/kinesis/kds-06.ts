import type { Control } from '../../control.ts'
import { judge, type Problem, toConfirm, unknown, wrong } from '../../judge.ts'
import { type AuditModel, type AuditResource, unknownValue } from '../../model.ts'
import { isObject, numberOf, resourcesOf } from '../../readers.ts'
import { streamsOf } from './streams.ts'

const readerTypes = [
  'AWS::Kinesis::StreamConsumer',
  'AWS::Kinesis::Channel',
  'AWS::KinesisFirehose::DeliveryStream',
  'AWS::Lambda::EventSourceMapping',
  'AWS::KinesisAnalyticsV2::Application',
  'AWS::Pipes::Pipe'
]

export const kds06: Control = {
  id: 'KDS-06',
  severity: 'high',
  title: 'Every reader of the stream is declared.',
  rationale:
    'A fan-out consumer, a delivery channel, a Firehose or a function copies the stream for as long as it exists, and a ' +
    'channel appears in no list of consumers.',
  fix: 'Remove the reader, or declare it in the plan (stream.readers) and in the template.',
  kind: 'resources',
  sources: {},
  reads: ['kinesis:ListStreamConsumers', 'lambda:ListEventSourceMappings'],
  evaluate: model =>
    streamsOf(model).map(stream => {
      const readers = readersOf(model, stream)
      const names = readers.map(({ id, type }) => `${id} (${type.split('::').at(-1)})`)
      return judge(
        stream,
        [
          ...countProblems(model, stream, readers),
          ...undeclaredProblems(model, readers),
          ...untoldProblems(model)
        ],
        names.length === 0 ? 'no reader besides those that poll' : `read by ${names.join(', ')}`
      )
    })
}

function readersOf(model: AuditModel, stream: AuditResource): readonly AuditResource[] {
  const candidates = resourcesOf(model, ...readerTypes)
  const consumers = candidates.filter(
    ({ type, properties }) => type === 'AWS::Kinesis::StreamConsumer' && mentions(properties, [stream.arn])
  )
  const arns = [stream.arn, ...consumers.map(({ arn }) => arn)]
  return candidates.filter(each => consumers.includes(each) || mentions(each.properties, arns))
}

/** A template is the declaration itself; an account also tells how many there are. */
function countProblems(
  model: AuditModel,
  { properties }: AuditResource,
  readers: readonly AuditResource[]
): readonly Problem[] {
  const kinds = [
    ['fan-out consumers', 'AWS::Kinesis::StreamConsumer', 'ConsumerCount'],
    ['delivery channels', 'AWS::Kinesis::Channel', 'ChannelCount']
  ] as const
  return kinds.flatMap(([kind, type, member]) => {
    const counted = numberOf(properties[member])
    const known = readers.filter(reader => reader.type === type).length
    if (counted === undefined) {
      return model.source === 'live' ? [unknown(`how many ${kind} there are was not read`)] : []
    }
    return counted === known ? [] : [wrong(`${kind} counted: ${counted}, known: ${known}`)]
  })
}

/** Of an account: what reads there, and is not in the plan. */
function undeclaredProblems(
  { declaredReaders: declared }: AuditModel,
  readers: readonly AuditResource[]
): readonly Problem[] {
  if (declared === undefined) return []
  const names = [...declared.consumers, ...declared.functions]
  return readers
    .filter(
      ({ type, properties }) =>
        (type === 'AWS::Kinesis::StreamConsumer' && !names.includes(String(properties.ConsumerName))) ||
        (type === 'AWS::Lambda::EventSourceMapping' &&
          !namesOfFunction(String(properties.FunctionName)).some(name => names.includes(name)))
    )
    .map(({ id, type }) =>
      declared.unnamed.includes(type)
        ? toConfirm(`whether ${id} belongs to a reader that the plan declares without a name`)
        : wrong(`${id} is not declared`)
    )
}

/** By its ARN, or by its name and qualifier alone, as a plan knows a function that it makes. */
function namesOfFunction(arn: string): readonly string[] {
  return [arn, arn.replace(/^.*:function:/, '')]
}

/** A reader of who knows what may read this. */
function untoldProblems(model: AuditModel): readonly Problem[] {
  return resourcesOf(
    model,
    'AWS::Lambda::EventSourceMapping',
    'AWS::Kinesis::StreamConsumer',
    'AWS::Pipes::Pipe'
  )
    .filter(({ properties }) =>
      [properties.EventSourceArn, properties.StreamARN, properties.Source].includes(unknownValue)
    )
    .map(({ id }) => unknown(`what ${id} reads cannot be told`))
}

function mentions(value: unknown, arns: readonly string[]): boolean {
  if (typeof value === 'string') return arns.includes(value)
  const members = Array.isArray(value) ? value : isObject(value) ? Object.values(value) : []
  return members.some(member => mentions(member, arns))
}
