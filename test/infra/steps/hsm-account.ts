import {
  CreateAliasCommand,
  type CreateCustomKeyStoreCommandInput,
  CreateKeyCommand,
  DeleteAliasCommand,
  type DescribeCustomKeyStoresCommandInput,
  DescribeKeyCommand,
  GetKeyPolicyCommand,
  type KMSClient,
  ListAliasesCommand,
  PutKeyPolicyCommand
} from '@aws-sdk/client-kms'
import type { PlanStep, StepCall } from '../../../infra/index.ts'
import { substitute } from '../../../infra/placeholders.ts'

/**
 * An account with an empty cluster of HSMs, which refuses what CloudHSM and KMS refuse out of order. Keys and aliases are those
 * of the embedded KMS, which knows no key stores: a key is made there as an ordinary one. What people do by hand it does, too.
 */
export class HsmAccount {
  readonly calls: StepCall[] = []
  readonly #kms: KMSClient
  readonly #clusterId = 'cluster-abcdefghijk'
  /** What the placeholders of later steps stand for. */
  readonly #values = new Map<string, string>([['CloudHsmCluster.ClusterId', this.#clusterId]])
  readonly #hsms = new Set<string>()
  #state = 'UNINITIALIZED'
  #kmsUserPassword: string | undefined
  #store: 'DISCONNECTED' | 'CONNECTED' | undefined

  constructor(kms: KMSClient) {
    this.#kms = kms
  }

  /** Takes a step, looks at what it says to look at, and keeps what it gives. */
  async take(step: PlanStep): Promise<void> {
    const { id, call, check, gives } = step
    const answer = call === undefined ? await this.#byHand(id) : await this.#send(this.#filled(call))
    for (const { name, from } of gives) {
      const value = from === undefined ? answer[name] : at(answer, from)
      if (typeof value !== 'string') throw new Error(`${id} gives no ${name}`)
      this.#values.set(name, value)
    }
    if (check.call !== undefined) await this.#send(this.#filled(check.call))
  }

  valueOf(name: string): string | undefined {
    return this.#values.get(name)
  }

  #filled(call: StepCall): StepCall {
    const filled = substitute(call, name => this.#values.get(name))
    const [missing] = JSON.stringify(filled).match(/\$\{[^}]+\}/) ?? []
    if (missing !== undefined) throw new Error(`nobody gave ${missing}`)
    return filled
  }

  async #byHand(id: string): Promise<Record<string, unknown>> {
    switch (id) {
      case 'cloudHsm.sign':
        return { ClusterCertificate: `signed ${this.#values.get('ClusterCsr')}`, TrustAnchor: 'customerCA' }
      case 'cloudHsm.activate':
        demand(this.#state === 'INITIALIZED', 'the cluster is not initialized')
        this.#state = 'ACTIVE'
        return {}
      case 'cloudHsm.kmsuser':
        demand(this.#state === 'ACTIVE', 'there is no admin yet')
        this.#kmsUserPassword = 'a-password'
        return { KmsUserPassword: this.#kmsUserPassword }
      case 'cloudHsm.plan':
        // The alias goes with the key of the stack.
        await this.#kms.send(new DeleteAliasCommand({ AliasName: 'alias/orders' }))
        return {}
      case 'cloudHsm.drill':
        demand(this.#store === 'CONNECTED', 'there is nothing to lose yet')
        return {}
      default:
        throw new Error(`nobody knows how to do ${id}`)
    }
  }

  /** The commands take the inputs as their own: the compiler holds the steps against the SDK. */
  async #send(call: StepCall): Promise<Record<string, unknown>> {
    this.calls.push(call)
    switch (call.operation) {
      case 'DescribeSubnets':
        return {
          Subnets: call.input.SubnetIds.map((_, index) => ({ AvailabilityZone: `us-east-1${'abc'[index]}` }))
        }
      case 'CreateHsm':
        demand(call.input.ClusterId === this.#clusterId, 'no such cluster')
        demand(this.#state === 'ACTIVE' || this.#hsms.size === 0, 'only an active cluster takes a second HSM')
        this.#hsms.add(call.input.AvailabilityZone)
        return {}
      case 'DescribeClusters':
        demand(call.input.Filters.clusterIds[0] === this.#clusterId, 'no such cluster')
        return {
          Clusters: [
            { State: this.#state, Certificates: this.#hsms.size === 0 ? {} : { ClusterCsr: 'the request' } }
          ]
        }
      case 'InitializeCluster':
        demand(this.#state === 'UNINITIALIZED' && this.#hsms.size > 0, 'there is nothing to initialize')
        demand(call.input.SignedCert === 'signed the request', 'the certificate is not that of the cluster')
        this.#state = 'INITIALIZED'
        return {}
      case 'CreateCustomKeyStore': {
        const input: CreateCustomKeyStoreCommandInput = call.input
        demand(this.#state === 'ACTIVE' && this.#hsms.size >= 2, 'two active HSMs are needed, in two zones')
        demand(input.TrustAnchorCertificate === 'customerCA', 'not the trust anchor of the cluster')
        demand(input.KeyStorePassword === this.#kmsUserPassword, 'not the password of kmsuser')
        this.#store = 'DISCONNECTED'
        return { CustomKeyStoreId: 'cks-1234567890abcdef0' }
      }
      case 'ConnectCustomKeyStore':
      case 'DescribeCustomKeyStores': {
        const input: DescribeCustomKeyStoresCommandInput = call.input
        demand(this.#store !== undefined && input.CustomKeyStoreId?.startsWith('cks-'), 'no such key store')
        if (call.operation === 'ConnectCustomKeyStore') this.#store = 'CONNECTED'
        return { CustomKeyStores: [{ ConnectionState: this.#store }] }
      }
      case 'CreateKey': {
        const { input } = new CreateKeyCommand(call.input)
        demand(this.#store === 'CONNECTED', 'the key store is not connected')
        const { Origin: _, CustomKeyStoreId: __, ...others } = input
        return { ...(await this.#kms.send(new CreateKeyCommand(others))) }
      }
      case 'DescribeKey':
        return { ...(await this.#kms.send(new DescribeKeyCommand(call.input))) }
      case 'ListAliases':
        return { ...(await this.#kms.send(new ListAliasesCommand(call.input))) }
      case 'PutKeyPolicy':
        return { ...(await this.#kms.send(new PutKeyPolicyCommand(call.input))) }
      case 'GetKeyPolicy':
        return { ...(await this.#kms.send(new GetKeyPolicyCommand(call.input))) }
      case 'CreateAlias':
        return { ...(await this.#kms.send(new CreateAliasCommand(call.input))) }
      default:
        throw new Error(`${call.operation} is not about keys`)
    }
  }
}

function demand(isSo: boolean | undefined, otherwise: string): void {
  if (isSo !== true) throw new Error(otherwise)
}

/** The member of an answer at a path such as `Clusters[0].Certificates.ClusterCsr`. */
function at(answer: unknown, path: string): unknown {
  return path
    .split(/[.[\]]+/)
    .reduce<unknown>((value, name) => (value as Record<string, unknown> | undefined)?.[name], answer)
}
