import {
  DescribeKeyCommand,
  DisableKeyCommand,
  EnableKeyCommand,
  KeyState,
  KMSClient
} from '@aws-sdk/client-kms'
import { callService } from '../../core/service-errors.ts'
import { clientConfigOf, type Engine } from '../engine.ts'

/** Takes a KMS key away from everybody, and gives it back. */
export interface KeySwitch {
  isEnabled(): Promise<boolean>
  disable(): Promise<void>
  enable(): Promise<void>
  close(): void
}

/** `keyId` is an id, ARN or alias. @throws ServiceError */
export async function keySwitch(engine: Engine, keyId: string): Promise<KeySwitch> {
  const kms = new KMSClient(clientConfigOf(engine, 'kms'))
  const describe = () =>
    callService('kms', 'DescribeKey', () => kms.send(new DescribeKeyCommand({ KeyId: keyId })))
  try {
    // An alias cannot be disabled.
    const { KeyMetadata: key } = await describe()
    const named = { KeyId: key?.Arn }
    return {
      isEnabled: async () => (await describe()).KeyMetadata?.KeyState === KeyState.Enabled,
      disable: async () => {
        await callService('kms', 'DisableKey', () => kms.send(new DisableKeyCommand(named)))
      },
      enable: async () => {
        await callService('kms', 'EnableKey', () => kms.send(new EnableKeyCommand(named)))
      },
      close: () => kms.destroy()
    }
  } catch (error) {
    kms.destroy()
    throw error
  }
}
