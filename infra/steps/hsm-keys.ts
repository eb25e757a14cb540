import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { refTo } from '../placeholders.ts'
import { type PlannedKey, plannedKeys } from '../plan-keys.ts'
import { clusterId, clusterSteps, lastHsmStep, officer } from './cloud-hsm.ts'
import { custodian, deployer, type StepDraft } from './step.ts'
import type { StepCall } from './step-call.ts'

const storeId = refTo('CustomKeyStoreId')
const describeStore: StepCall = {
  service: 'kms',
  operation: 'DescribeCustomKeyStores',
  input: { CustomKeyStoreId: storeId }
}

/** From the cluster to a plan whose envelope key is in it; none where the plan has its key from there already. */
export function cloudHsmSteps(plan: ResolvedPlan): readonly StepDraft[] {
  const { cloudHsm } = plan.services
  const keys = keysForHsms(plan)
  if (cloudHsm === undefined || keys.length === 0) return []
  return [
    ...clusterSteps(cloudHsm),
    ...storeSteps(plan.name, lastHsmStep(cloudHsm)),
    ...keys.map(key => createKey(plan.name, key)),
    planWithKeys(keys),
    ...keys.filter(({ givenArn }) => givenArn === undefined).map(createAlias),
    drill
  ]
}

/** Keys that the template makes, or that are given and lie elsewhere, for whose records the cluster is. */
function keysForHsms(plan: ResolvedPlan): readonly PlannedKey[] {
  const isOutside = plan.keys.envelope.origin !== 'AWS_CLOUDHSM'
  return plannedKeys(plan).filter(({ purpose, tenant, givenArn }) => {
    if (purpose !== 'envelope') return false
    if (tenant !== undefined) return givenArn === undefined
    return isOutside && (givenArn === undefined || givenArn === plan.keys.envelope.arn)
  })
}

function storeSteps(name: string, hsmStep: string): readonly StepDraft[] {
  return [
    {
      id: 'cloudHsm.kmsuser',
      title: 'Make the user that KMS logs in as',
      by: officer,
      action:
        'As an admin, in the CloudHSM CLI: user create --username kmsuser --role crypto-user, with a password of 7 to 32 characters ' +
        'that is used for nothing else. Nobody logs in as this user: KMS cannot connect meanwhile.',
      check: { expected: 'user list shows kmsuser as a crypto-user, on every HSM' },
      waitsFor: [hsmStep],
      gives: [{ name: 'KmsUserPassword', isSecret: true }]
    },
    {
      id: 'cloudHsm.createKeyStore',
      title: 'Create the custom key store',
      by: custodian,
      call: {
        service: 'kms',
        operation: 'CreateCustomKeyStore',
        input: {
          CustomKeyStoreName: name,
          CustomKeyStoreType: 'AWS_CLOUDHSM',
          CloudHsmClusterId: clusterId,
          TrustAnchorCertificate: refTo('TrustAnchor'),
          KeyStorePassword: refTo('KmsUserPassword')
        }
      },
      mind: 'From a program that asks for the password: never on a command line, which others can read.',
      check: { call: describeStore, expected: 'the store is there, DISCONNECTED' },
      waitsFor: ['cloudHsm.sign', 'cloudHsm.kmsuser'],
      gives: [{ name: 'CustomKeyStoreId', from: 'CustomKeyStoreId' }]
    },
    {
      id: 'cloudHsm.connect',
      title: 'Connect the key store',
      by: custodian,
      call: {
        service: 'kms',
        operation: 'ConnectCustomKeyStore',
        input: { CustomKeyStoreId: storeId }
      },
      mind: 'It takes up to 20 minutes. KMS gives kmsuser another password, which nobody knows then.',
      check: { call: describeStore, expected: 'ConnectionState is CONNECTED' },
      waitsFor: ['cloudHsm.createKeyStore'],
      gives: []
    }
  ]
}

const keyStep = ({ tenant }: PlannedKey): string =>
  tenant === undefined ? 'cloudHsm.createKey' : `cloudHsm.createKey.${tenant}`
const arnName = ({ logicalId }: PlannedKey): string => `${logicalId}Arn`
const keyOf = ({ tenant }: PlannedKey): string =>
  tenant === undefined ? 'the envelope key' : `the key of the tenant ${tenant}`

function createKey(name: string, key: PlannedKey): StepDraft {
  return {
    id: keyStep(key),
    title: `Create ${keyOf(key)} in it`,
    by: custodian,
    call: {
      service: 'kms',
      operation: 'CreateKey',
      input: {
        Description: `${name} ${key.purpose}`,
        CustomKeyStoreId: storeId,
        Origin: 'AWS_CLOUDHSM',
        KeySpec: 'SYMMETRIC_DEFAULT',
        KeyUsage: 'ENCRYPT_DECRYPT',
        Policy: JSON.stringify(key.policy)
      }
    },
    check: {
      call: { service: 'kms', operation: 'DescribeKey', input: { KeyId: refTo(arnName(key)) } },
      expected: `Origin is AWS_CLOUDHSM, CustomKeyStoreId ${storeId}, KeyState Enabled`
    },
    waitsFor: ['cloudHsm.connect'],
    gives: [{ name: arnName(key), from: 'KeyMetadata.Arn' }]
  }
}

/** The template names keys by their ARNs; those that it had made leave the stack, and stay. */
function planWithKeys(keys: readonly PlannedKey[]): StepDraft {
  const given = keys.map(key =>
    key.tenant === undefined
      ? `keys.envelope: { arn: '${refTo(arnName(key))}', origin: 'AWS_CLOUDHSM' }, and no sealing.keyId`
      : `sealing.tenants['${key.tenant}']: '${refTo(arnName(key))}'`
  )
  return {
    id: 'cloudHsm.plan',
    title: 'Name what was made in the plan, and deploy it again',
    by: deployer,
    action:
      `In the plan: ${given.join('; ')}. Until then nothing is to be sealed: workers open what is sealed under the keys of the ` +
      'plan, and no other. The keys that were there before stay when they leave the stack; delete them once it is certain that ' +
      'nothing was sealed.',
    check: {
      expected: keys
        .map(key => `the output ${arnName(key)} of the stack is ${refTo(arnName(key))}`)
        .join('; ')
    },
    waitsFor: keys.map(keyStep),
    gives: []
  }
}

/** Its alias was that of a key of the stack until now. */
function createAlias(key: PlannedKey): StepDraft {
  const keyId = refTo(arnName(key))
  return {
    id: keyStep(key).replace('createKey', 'createAlias'),
    title: `Give ${keyOf(key)} the name ${key.alias}`,
    by: custodian,
    call: { service: 'kms', operation: 'CreateAlias', input: { AliasName: key.alias, TargetKeyId: keyId } },
    check: {
      call: { service: 'kms', operation: 'ListAliases', input: { KeyId: keyId } },
      expected: `${key.alias} is among them`
    },
    waitsFor: ['cloudHsm.plan'],
    gives: []
  }
}

/** Whether a loss can be lived through is only known once it was. */
const drill: StepDraft = {
  id: 'cloudHsm.drill',
  title: 'Show that a lost cluster can be had again',
  by: officer,
  action:
    'Put a record aside that is sealed under the key. Make a cluster of the latest backup (CreateCluster with SourceBackupId, ' +
    'CreateHsm), disconnect the key store, name that cluster in it (UpdateCustomKeyStore), connect it, and open the record. Then ' +
    'all of it back, and delete that cluster. Workers hold their shards meanwhile.',
  check: { expected: 'the record opens; write down the day, for it has to be shown again every year' },
  waitsFor: ['cloudHsm.plan'],
  gives: []
}
