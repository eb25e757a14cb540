import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { authorizer, type NamedPolicy, planAccess } from '../infra/index.ts'
import type { KmsLoggedRequest, LocalAuthorize } from '../local/index.ts'
import { definePipeline, type PermissionOptions, type PipelinePlan } from '../pipeline/index.ts'
import { mayUseKey } from './key-access.ts'

export interface PlannedPermissions extends PermissionOptions {
  /** Of a role, under the name that it has here and in the request log. */
  readonly arnOf: (role: string) => string | undefined
  readonly requestLog: () => readonly KmsLoggedRequest[]
  close(): void | Promise<void>
}

/** Of somebody who may do anything, as far as identity policies go: a key's own policy must stop him. */
export const administrator = 'administrator'
const everything: NamedPolicy = {
  name: administrator,
  document: { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] }
}

/**
 * An embedded KMS with one key, which decides as the policies of the plan say, and a client for each role of the plan and
 * for an administrator. A text says why there is nothing to ask.
 */
export async function startPlannedPermissions(input: PipelinePlan): Promise<PlannedPermissions | string> {
  const plan = withMadeKey(input)
  const { name, stream, sealing } = definePipeline(plan)
  if (sealing.mode === 'off') return 'nothing is sealed'
  if (sealing.tenants.length > 0) return 'the tenants of the plan have keys of their own'
  const { startLocal } = await import('../local/index.ts')
  let authorize: LocalAuthorize = () => 'allow'
  const local = await startLocal({ services: ['kms'], authorize: question => authorize(question) })
  const clients: KMSClient[] = []
  const clientOf = (accessKeyId: string): KMSClient => {
    const credentials = { accessKeyId, secretAccessKey: 'local' }
    const client = new KMSClient({ ...local.clientConfig('kms'), credentials })
    clients.push(client)
    return client
  }
  const close = async (): Promise<void> => {
    for (const client of clients) client.destroy()
    await local.close()
  }
  try {
    const { KeyMetadata } = await clientOf('owner').send(new CreateKeyCommand({}))
    const keyArn = KeyMetadata!.Arn!
    const { accountId, region } = local
    const access = planAccess(plan, { keyArns: { EnvelopeKey: keyArn }, accountId, region })
    const administratorArn = `arn:aws:iam::${accountId}:role/${administrator}`
    const identities = new Map([...access.identityPolicies, [administratorArn, [everything]]])
    const arns = new Map([...identities.keys()].map(arn => [arn.slice(arn.lastIndexOf('/') + 1), arn]))
    authorize = authorizer({
      identityPolicies: identities,
      resourcePolicies: access.resourcePolicies,
      principals: Object.fromEntries(arns),
      accountId
    })
    const own = { pipeline: name, stream: stream.name, ...sealing.context }
    return {
      keyArn,
      roles: [...arns.keys()].map(role => ({ name: role, client: clientOf(role) })),
      contexts: {
        'of the pipeline': own,
        'of another stream': { ...own, stream: `${stream.name}-other` },
        'of another pipeline': { ...own, pipeline: `${name}-other` },
        'with a pair more': { ...own, proof: 'proof' },
        none: {}
      },
      predict: (role, action, context = {}) => {
        const principal = arns.get(role)!
        const { resourcePolicies } = access
        const decided = mayUseKey({ identityPolicies: identities, resourcePolicies }, keyArn, {
          principal,
          action,
          context
        })
        return decided ? 'allow' : 'deny'
      },
      arnOf: role => arns.get(role),
      requestLog: () => local.kmsRequestLog(),
      close
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** The plan with a key that is made, since the embedded KMS has none of anybody's account. */
function withMadeKey({ keys, sealing, ...plan }: PipelinePlan): PipelinePlan {
  const { envelope: _, ...otherKeys } = keys ?? {}
  const { keyId: __, ...others } = sealing ?? {}
  return { ...plan, keys: otherKeys, sealing: others }
}
