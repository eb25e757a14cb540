import {
  CreateAliasCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  KMSClient
} from '@aws-sdk/client-kms'
import { describe, expect, it } from 'vitest'
import { planSteps, planTemplate } from '../../../infra/index.ts'
import { planAccess } from '../../../infra/plan-access.ts'
import type { PipelinePlan } from '../../../pipeline/plan.ts'
import { opened, openLocal } from '../../helpers/local.ts'
import { HsmAccount } from './hsm-account.ts'

const scope = { accountId: '000000000000', region: 'us-east-1' }
const role = (name: string): string => `arn:aws:iam::${scope.accountId}:role/${name}`
const plan: PipelinePlan = {
  name: 'orders',
  roles: { deployerArn: role('deployer'), custodianArn: role('custodian') },
  services: { cloudHsm: { subnetIds: ['subnet-1a', 'subnet-1b'] } }
}
const steps = planSteps(plan, scope)

/** After the stack: its own key has the alias. */
async function anAccount() {
  const local = await openLocal()
  const kms = opened(new KMSClient(local.clientConfig('kms')))
  const { KeyMetadata } = await kms.send(new CreateKeyCommand({}))
  await kms.send(new CreateAliasCommand({ AliasName: 'alias/orders', TargetKeyId: KeyMetadata!.KeyId! }))
  return { kms, account: new HsmAccount(kms) }
}

describe('the steps from a cluster of HSMs to the envelope key', () => {
  it('lead to a key with the policy of the template, under its alias, and a plan that names it', async () => {
    const { kms, account } = await anAccount()
    for (const step of steps) await account.take(step)
    const arn = account.valueOf('EnvelopeKeyArn')!
    const { KeyMetadata } = await kms.send(new DescribeKeyCommand({ KeyId: 'alias/orders' }))
    expect(KeyMetadata).toMatchObject({ Arn: arn, Description: 'orders envelope' })
    const { Policy } = await kms.send(new GetKeyPolicyCommand({ KeyId: arn, PolicyName: 'default' }))
    const { resourcePolicies, keyArns } = planAccess(plan, scope)
    expect(JSON.parse(Policy!)).toEqual(resourcePolicies.get(keyArns.EnvelopeKey!)!.document)

    const later: PipelinePlan = { ...plan, keys: { envelope: { arn, origin: 'AWS_CLOUDHSM' } } }
    expect(planTemplate(later, scope).Outputs.EnvelopeKeyArn).toEqual({ Value: arn })
    const rest = planSteps(later, scope)
    expect(rest.map(({ id }) => id)).toEqual(['keys.putPolicy'])
    await account.take(rest[0]!)
    const kept = await kms.send(new GetKeyPolicyCommand({ KeyId: arn, PolicyName: 'default' }))
    expect(JSON.parse(kept.Policy!)).toEqual(JSON.parse(Policy!))
  })

  it('ask for nothing but what they say, in their order', async () => {
    const { account } = await anAccount()
    for (const step of steps) await account.take(step)
    expect(
      account.calls
        .map(({ operation }) => operation)
        .filter(operation => !/^(Describe|Get|List)/.test(operation))
    ).toEqual([
      'CreateHsm',
      'InitializeCluster',
      'CreateHsm',
      'CreateCustomKeyStore',
      'ConnectCustomKeyStore',
      'CreateKey',
      'CreateAlias'
    ])
    expect(account.calls.find(({ operation }) => operation === 'CreateCustomKeyStore')?.input).toEqual({
      CustomKeyStoreName: 'orders',
      CustomKeyStoreType: 'AWS_CLOUDHSM',
      CloudHsmClusterId: 'cluster-abcdefghijk',
      TrustAnchorCertificate: 'customerCA',
      KeyStorePassword: 'a-password'
    })
    expect(account.calls.find(({ operation }) => operation === 'CreateKey')?.input).toMatchObject({
      CustomKeyStoreId: 'cks-1234567890abcdef0',
      Origin: 'AWS_CLOUDHSM',
      KeySpec: 'SYMMETRIC_DEFAULT',
      KeyUsage: 'ENCRYPT_DECRYPT'
    })
  })

  const needed = steps.filter(({ id }) => steps.some(({ waitsFor }) => waitsFor.includes(id)))
  it.each(needed.map(({ id }) => id))('do not lead there without %s', async skipped => {
    const { account } = await anAccount()
    const attempt = async () => {
      for (const step of steps) if (step.id !== skipped) await account.take(step)
    }
    await expect(attempt()).rejects.toThrow()
  })

  it('wait for each other, but for the name of the key and the rehearsal', () => {
    const others = steps.filter(step => !needed.includes(step)).map(({ id }) => id)
    expect(others).toEqual(['cloudHsm.createAlias', 'cloudHsm.drill'])
  })
})
