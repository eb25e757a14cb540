import { CreateKeyCommand, KMSClient } from '@aws-sdk/client-kms'
import { describe, expect, it } from 'vitest'
import { authorizer, evaluate, type NamedPolicy, type PolicyDocument } from '../../../infra/index.ts'
import type { LocalAuthorize } from '../../../local/index.ts'
import { type PermissionOptions, provePermissions } from '../../../pipeline/proofs/permissions.ts'
import { opened, openLocal } from '../../helpers/local.ts'

const roleArn = (name: string): string => `arn:aws:iam::000000000000:role/${name}`
const contexts = { own: { pipeline: 'p', stream: 's' }, foreign: { pipeline: 'q', stream: 's' }, none: {} }

/** Leave to do one thing with keys, under the pairs of the pipeline. */
function only(action: string): PolicyDocument {
  const Condition = { StringEquals: { 'kms:EncryptionContext:pipeline': 'p' } }
  return { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: action, Resource: '*', Condition }] }
}

const keyPolicy: NamedPolicy = {
  name: 'key',
  document: {
    Version: '2012-10-17',
    Statement: [
      {
        Effect: 'Allow',
        Principal: { AWS: 'arn:aws:iam::000000000000:root' },
        Action: 'kms:*',
        Resource: '*'
      }
    ]
  }
}

/** Engines that decide by `enforced`, and what `planned` says about them. */
async function start(
  planned: Readonly<Record<string, PolicyDocument>>,
  enforced: Readonly<Record<string, PolicyDocument>>
): Promise<PermissionOptions> {
  let authorize: LocalAuthorize = () => 'allow'
  const local = await openLocal({ services: ['kms'], authorize: question => authorize(question) })
  const clientOf = (accessKeyId: string): KMSClient =>
    opened(
      new KMSClient({
        ...local.clientConfig('kms'),
        credentials: { accessKeyId, secretAccessKey: 's' },
        maxAttempts: 1
      })
    )
  const { KeyMetadata } = await clientOf('admin').send(new CreateKeyCommand({}))
  const keyArn = KeyMetadata!.Arn!
  authorize = authorizer({
    identityPolicies: new Map(
      Object.entries(enforced).map(([name, document]) => [roleArn(name), [{ name, document }]])
    ),
    resourcePolicies: new Map([[keyArn, keyPolicy]])
  })
  return {
    keyArn,
    contexts,
    roles: Object.keys(planned).map(name => ({ name, client: clientOf(name) })),
    predict: (role, action, context = {}) => {
      const { effect } = evaluate(
        {
          principal: { arn: roleArn(role), accountId: '000000000000' },
          action,
          resource: keyArn,
          context: Object.fromEntries(
            Object.entries(context).map(([name, value]) => [`kms:EncryptionContext:${name}`, value])
          )
        },
        { identity: [{ name: role, document: planned[role]! }], resource: keyPolicy }
      )
      return effect === 'allow' ? 'allow' : 'deny'
    }
  }
}

const planned = { producer: only('kms:GenerateDataKey'), consumer: only('kms:Decrypt') }

describe('E2E-04', () => {
  it('is proved when every role may do what the policies say, and nothing else', async () => {
    const proof = await provePermissions(await start(planned, planned))
    expect(proof).toMatchObject({
      id: 'E2E-04',
      result: 'proved',
      measurements: { questions: 20, allowed: 2, denied: 18, differing: 0 }
    })
    expect(proof.evidence.matrix).toContainEqual({
      role: 'consumer',
      action: 'Decrypt',
      context: 'own',
      predicted: 'allow',
      observed: 'allow'
    })
    expect(proof.evidence.matrix).toContainEqual({
      role: 'consumer',
      action: 'Decrypt',
      context: 'foreign',
      predicted: 'deny',
      observed: 'deny'
    })
  })

  it('fails for a policy that allows too much', async () => {
    const enforced = { ...planned, consumer: only('kms:*') }
    const proof = await provePermissions(await start(planned, enforced))
    expect(proof).toMatchObject({
      result: 'failed',
      reason: '2 of 20 differ, such as GenerateDataKey of consumer: predicted deny, observed allow',
      measurements: { differing: 2 }
    })
  })

  it('fails for a policy that allows too little', async () => {
    const enforced = { ...planned, producer: only('kms:Encrypt') }
    const proof = await provePermissions(await start(planned, enforced))
    expect(proof).toMatchObject({ result: 'failed', measurements: { differing: 2, allowed: 2 } })
  })

  it('is void where rehearsals are carried out, or fail for another reason', async () => {
    const options = await start(planned, planned)
    const answering = (send: () => Promise<unknown>): PermissionOptions => ({
      ...options,
      roles: [{ name: 'producer', client: { send } as Pick<KMSClient, 'send'> }]
    })
    const carriedOut = await provePermissions(answering(async () => ({})))
    expect(carriedOut).toMatchObject({
      result: 'void',
      reason: 'a rehearsal was carried out: the engine knows no DryRun',
      // And nothing more was asked for.
      measurements: { questions: 1 }
    })
    const disabled = Object.assign(new Error('disabled'), { name: 'DisabledException' })
    const failing = await provePermissions(answering(() => Promise.reject(disabled)))
    expect(failing).toMatchObject({
      result: 'void',
      reason: '10 rehearsals failed for another reason than a policy'
    })
  })
})
