import { CreateKeyCommand, type CreateKeyCommandInput, KMSClient } from '@aws-sdk/client-kms'
import type { LocalEngines, LocalOptions } from '../../local/index.ts'
import { opened, openLocal } from './local.ts'

export interface LocalKms {
  readonly local: LocalEngines
  /** Asks as `local` in us-east-1. */
  readonly client: KMSClient
  /** A client that asks as somebody else, or in another region. */
  clientOf(caller: { readonly accessKeyId?: string; readonly region?: string }): KMSClient
  createKey(input?: CreateKeyCommandInput): Promise<{ readonly keyId: string; readonly arn: string }>
}

/** The embedded KMS with clients that do not retry; all of it ends with the test. */
export async function openKms(options: LocalOptions = {}): Promise<LocalKms> {
  const local = await openLocal(options)
  const config = local.clientConfig('kms')
  const clientOf: LocalKms['clientOf'] = ({ accessKeyId = 'local', region = config.region }) =>
    opened(
      new KMSClient({
        ...config,
        region,
        credentials: { accessKeyId, secretAccessKey: 'secret' },
        maxAttempts: 1
      })
    )
  const client = clientOf({})
  return {
    local,
    client,
    clientOf,
    async createKey(input = {}) {
      const { KeyMetadata: key } = await client.send(new CreateKeyCommand(input))
      return { keyId: key!.KeyId!, arn: key!.Arn! }
    }
  }
}
