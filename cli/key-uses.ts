import { DescribeKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { systemClock } from '../core/clock.ts'
import type { EncryptionContext } from '../core/record-transform.ts'
import { callService } from '../core/service-errors.ts'
import { planAccess } from '../infra/index.ts'
import {
  clientConfigOf,
  definePipeline,
  type Engine,
  type KeyUseOptions,
  keyUsesOfCloudTrail,
  kmsKeyring,
  type LookUpEvents,
  type PermissionRole,
  type PipelinePlan,
  type ServiceClientConfig
} from '../pipeline/index.ts'
import { UsageError } from './exit-code.ts'
import { mayUseKey } from './key-access.ts'
import { administrator, type PlannedPermissions } from './planned-permissions.ts'

/** Of the embedded KMS that decides as the plan says: its own request log. */
export function plannedKeyUses(plan: PipelinePlan, permissions: PlannedPermissions): KeyUseOptions {
  const { keyArn, roles, predict, arnOf, requestLog } = permissions
  const { name, stream, sealing, roles: named } = definePipeline(plan)
  const own: EncryptionContext = { pipeline: name, stream: stream.name, ...sealing.context }
  let fromMs = systemClock.wallTime()
  let seen = 0
  const keyringOf = (role: string) => {
    const { client } = roles.find(each => each.name === role) as PermissionRole & { client: KMSClient }
    return kmsKeyring({ keyId: keyArn, client })
  }
  return {
    keyArn,
    async exercise() {
      fromMs = systemClock.wallTime()
      seen = requestLog().length
      const context = { pipeline: name, ...sealing.context }
      const sealer = keyringOf(named.producerName).createSealer({ streamName: stream.name, context })
      const message = await sealer.seal(Buffer.from('proof'))
      sealer.close()
      for (const role of [named.consumerName, administrator]) {
        const opener = keyringOf(role).createOpener({ streamName: stream.name, context })
        try {
          await opener.open(message)
        } catch {
          // Who may not open is what the log is asked for.
        } finally {
          opener.close()
        }
      }
      return arnOf(administrator)!
    },
    async read() {
      const logged = requestLog().slice(seen)
      const uses = logged
        .filter(({ keyArns }) => keyArns.includes(keyArn))
        .map(({ operation, principal = 'unsigned', contextNames, error }, index) => ({
          id: `request ${seen + index + 1}`,
          principal: arnOf(principal) ?? principal,
          operation,
          context: undefined,
          contextNames,
          error
        }))
      return { fromMs, toMs: systemClock.wallTime(), uses, gap: undefined }
    },
    mayUse: ({ principal, operation, contextNames }) => {
      const role = roles.find(each => arnOf(each.name) === principal)?.name
      if (role === undefined) return false
      // The log keeps names alone. The values were what this KMS decided by.
      const pairs = Object.fromEntries(contextNames.map(pair => [pair, own[pair] ?? 'unknown']))
      return predict(role, `kms:${actionOf(operation)}`, pairs) === 'allow'
    }
  }
}

/**
 * Of an account: what CloudTrail has of the plan's key; a text says why there is nothing to ask.
 * @throws UsageError with the line that installs what is missing
 */
export async function accountKeyUses(
  plan: PipelinePlan,
  engine: Engine,
  windowMs: number,
  signal: AbortSignal
): Promise<{ readonly keyUses: KeyUseOptions; close(): void } | string> {
  const { sealing } = definePipeline(plan)
  if (sealing.mode === 'off') return 'nothing is sealed'
  if (sealing.tenants.length > 0) return 'the tenants of the plan have keys of their own'
  const kms = new KMSClient(clientConfigOf(engine, 'kms'))
  let keyArn: string
  try {
    const { KeyMetadata } = await callService('kms', 'DescribeKey', () =>
      kms.send(new DescribeKeyCommand({ KeyId: sealing.keyId }))
    )
    keyArn = KeyMetadata!.Arn!
  } finally {
    kms.destroy()
  }
  const [, partition = 'aws', , region = '', accountId = ''] = keyArn.split(':')
  const trail = await openCloudTrail({ ...clientConfigOf(engine, 'kms'), region })
  const access = planAccess(plan, { keyArns: { EnvelopeKey: keyArn }, accountId, region, partition })
  return {
    close: () => trail.close(),
    keyUses: {
      keyArn,
      read: () => {
        const toMs = systemClock.wallTime()
        const { lookUpEvents } = trail
        return keyUsesOfCloudTrail({ keyArn, lookUpEvents, fromMs: toMs - windowMs, toMs, signal })
      },
      mayUse: ({ principal, operation, context = {} }) =>
        mayUseKey(access, keyArn, { principal, action: `kms:${actionOf(operation)}`, context })
    }
  }
}

/** What IAM calls an operation: one of them is two. */
function actionOf(operation: string): string {
  return operation === 'ReEncrypt' ? 'ReEncryptFrom' : operation
}

interface CloudTrailModule {
  readonly CloudTrailClient: new (
    config: ServiceClientConfig
  ) => { send(command: object): Promise<Awaited<ReturnType<LookUpEvents>>>; destroy(): void }
  readonly LookupEventsCommand: new (input: object) => object
}

async function openCloudTrail(
  config: ServiceClientConfig
): Promise<{ readonly lookUpEvents: LookUpEvents; close(): void }> {
  const packageName: string = '@aws-sdk/client-cloudtrail'
  let module: CloudTrailModule
  try {
    module = (await import(packageName)) as CloudTrailModule
  } catch {
    throw new UsageError(`to read CloudTrail, its client is missing: npm i -D ${packageName}`)
  }
  const { CloudTrailClient, LookupEventsCommand } = module
  const client = new CloudTrailClient(config)
  return {
    lookUpEvents: input => client.send(new LookupEventsCommand(input)),
    close: () => client.destroy()
  }
}
