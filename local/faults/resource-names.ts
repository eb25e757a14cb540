import type { ReceiverRequest } from '../receiver.ts'

type Input = Readonly<Record<string, unknown>>

/** Names of the stream that a request to Kinesis is about, the plain one first. */
export function streamNames(input: Input): readonly string[] {
  const arn = [input.StreamARN, input.ConsumerARN, input.ResourceARN].find(isText)
  const inArn = arn === undefined ? undefined : /:stream\/([^/]+)/.exec(arn)?.[1]
  return texts([input.StreamName, inArn ?? streamOfIterator(input.ShardIterator), arn])
}

/** Names of the tables that a request to DynamoDB is about. */
export function tableNames(input: Input): readonly string[] {
  const batch = input.RequestItems
  return texts([
    input.TableName,
    ...(typeof batch === 'object' && batch !== null ? Object.keys(batch) : [])
  ]).flatMap(name => (name.includes(':table/') ? [name.split(':table/')[1]!, name] : [name]))
}

/** The bucket, and the object as `bucket/key`. */
export function objectNames({ Bucket: bucket, Key: key }: Input): readonly string[] {
  return texts([bucket, isText(bucket) && isText(key) ? `${bucket}/${key}` : undefined])
}

/** The queue's name, and its URL. */
export function queueNames({ QueueUrl: url, QueueName: name }: Input): readonly string[] {
  return texts([name, isText(url) ? url.slice(url.lastIndexOf('/') + 1) : undefined, url])
}

export function deliveryStreamNames({
  DeliveryStreamName: name,
  DeliveryStreamARN: arn
}: Input): readonly string[] {
  return texts([name, arn])
}

/** What rules call a request to the search receiver: `_bulk`, `_search`; `index` for one to an index itself. */
export function searchOperation({ path }: ReceiverRequest): string {
  return path.split('/').find(segment => segment.startsWith('_') && segment !== '_all') ?? 'index'
}

export function indexNames({ path }: ReceiverRequest): readonly string[] {
  const [first] = path.split('/').filter(Boolean)
  return first === undefined || first.startsWith('_') ? [] : [first]
}

/** What rules call a request to the HTTP Event Collector: `event`, `raw`, `ack`, `health`. */
export function collectorOperation({ path }: ReceiverRequest): string {
  const last =
    path
      .replace(/\/1\.0$/, '')
      .split('/')
      .at(-1) ?? ''
  return last === 'collector' ? 'event' : last
}

/** An iterator names its stream, whether or not it is good still. */
function streamOfIterator(iterator: unknown): string | undefined {
  if (!isText(iterator)) return undefined
  try {
    const parts: unknown = JSON.parse(Buffer.from(iterator, 'base64').toString('utf8'))
    return Array.isArray(parts) && isText(parts[0]) ? parts[0] : undefined
  } catch {
    return undefined
  }
}

function texts(values: readonly unknown[]): readonly string[] {
  return values.filter(isText)
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
