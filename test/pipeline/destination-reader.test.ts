import { expect, it, onTestFinished } from 'vitest'
import { awsEngine, createPipeline, endpointEngine, type PlanDestination } from '../../pipeline/index.ts'

const destinations: PlanDestination[] = [
  { kind: 's3' },
  { kind: 'elasticsearch', endpoint: 'http://127.0.0.1:9200' },
  { kind: 'opensearch', domainArn: 'arn:aws:es:us-east-1:000000000000:domain/d' },
  { kind: 'redshift', jdbcUrl: 'jdbc:redshift://h/d', table: 't', username: 'u', password: 'p' },
  { kind: 'splunk', endpoint: 'http://127.0.0.1:8088', token: 't' },
  {
    kind: 'splunk',
    endpoint: 'http://127.0.0.1:8088',
    token: 't',
    endpointType: 'Event',
    deliveryStreamName: 'e'
  }
]
const sources = {
  searchUrl: 'http://127.0.0.1:9200',
  takeEvents: () => [],
  rows: { query: async () => [], orderColumn: 'seq' }
}

it.each([
  ['aws', awsEngine, {}, ['bytes', undefined, undefined, undefined, undefined, undefined]],
  [
    'endpoint',
    endpointEngine('http://127.0.0.1:1'),
    {},
    ['bytes', 'json', undefined, undefined, undefined, undefined]
  ],
  ['aws', awsEngine, sources, ['bytes', 'json', 'json', 'json', 'bytes', 'json']]
])(
  'on %s reads what can be seen, and tells records apart as the destination keeps them',
  (_, engine, given, identities) => {
    const pipeline = createPipeline({ name: 'o', destinations }, { engine })
    onTestFinished(() => pipeline.close())
    const found = pipeline.plan.destinations.map(each => pipeline.createReader(each, given)?.identity)
    expect(found).toEqual(identities)
  }
)

it('has no objects to read where nothing goes to S3', () => {
  const pipeline = createPipeline({ name: 'o', destinations: destinations.slice(1, 2) })
  onTestFinished(() => pipeline.close())
  expect(() => pipeline.createObjectReader()).toThrow("option destinations: expected one of kind 's3'")
})
