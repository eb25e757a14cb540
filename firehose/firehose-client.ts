import { FirehoseClient, type FirehoseClientConfig, PutRecordBatchCommand } from '@aws-sdk/client-firehose'
import { NodeHttpHandler } from '@smithy/node-http-handler'
import type { FirehosePort } from './types.ts'

/** A client whose own retries are off: the sink decides per entry, and counts every attempt. */
export function createFirehoseClient(config: FirehoseClientConfig = {}): FirehoseClient {
  return new FirehoseClient({
    requestHandler: new NodeHttpHandler({ connectionTimeout: 5_000, requestTimeout: 30_000 }),
    maxAttempts: 1,
    ...config
  })
}

/** Puts the SDK client behind the port that the sink knows. */
export function firehosePort(client: FirehoseClient): FirehosePort {
  return {
    putRecordBatch: (input, options) =>
      client.send(
        new PutRecordBatchCommand(input),
        options?.signal === undefined ? {} : { abortSignal: options.signal }
      )
  }
}
