import { FirehoseClient, type FirehoseClientConfig, PutRecordBatchCommand } from '@aws-sdk/client-firehose'
import { sendOptions, withoutRetries } from '../core/sdk-client.ts'
import type { FirehosePort } from './types.ts'

export function createFirehoseClient(config: FirehoseClientConfig = {}): FirehoseClient {
  return new FirehoseClient({ ...withoutRetries(), ...config })
}

/** Puts the SDK client behind the port that the sink knows. */
export function firehosePort(client: FirehoseClient): FirehosePort {
  return {
    putRecordBatch: (input, options) => client.send(new PutRecordBatchCommand(input), sendOptions(options))
  }
}
