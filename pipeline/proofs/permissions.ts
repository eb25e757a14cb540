import {
  CreateGrantCommand,
  DecryptCommand,
  EncryptCommand,
  GenerateDataKeyCommand,
  type KMSClient
} from '@aws-sdk/client-kms'
import type { EncryptionContext } from '../../core/record-transform.ts'
import { serviceErrorName } from '../../core/service-errors.ts'
import { type Proof, ProofId } from './proof.ts'

export type PermissionEffect = 'allow' | 'deny'

/** Asks KMS as one role of the pipeline. */
export interface PermissionRole {
  /** Such as `orders-consumer`. */
  readonly name: string
  readonly client: Pick<KMSClient, 'send'>
}

export interface PermissionOptions {
  /** ARN of the key that wraps data keys. */
  readonly keyArn: string
  readonly roles: readonly PermissionRole[]
  /** By a name for each: the pairs of the pipeline, those of another one, none, … */
  readonly contexts: Readonly<Record<string, EncryptionContext>>
  /** What the policies say. `context` is undefined for an action without pairs. */
  readonly predict: (
    role: string,
    action: string,
    context: EncryptionContext | undefined
  ) => PermissionEffect | Promise<PermissionEffect>
}

/** Of the same account as the key; nobody has to have it, since nothing is granted. */
const grantee = (keyArn: string): string => {
  const [, partition, , , account] = keyArn.split(':')
  return `arn:${partition}:iam::${account}:root`
}

type Observed = PermissionEffect | 'carried out' | { readonly errorCode: string }

interface Question {
  readonly role: string
  readonly action: string
  /** Undefined for an action without pairs. */
  readonly context: string | undefined
  readonly rehearse: () => Promise<unknown>
}

/**
 * E2E-04: what each role may do with the key is what the policies say, by rehearsal (`DryRun`), so that nothing is wrapped,
 * opened or granted: Decrypt, GenerateDataKey, Encrypt under each context, and CreateGrant. Ends at once on an engine that
 * carries a rehearsal out.
 */
export async function provePermissions(options: PermissionOptions): Promise<Proof> {
  const { keyArn, contexts, predict } = options
  const matrix: {
    readonly role: string
    readonly action: string
    readonly context: string | null
    readonly predicted: PermissionEffect
    readonly observed: Observed
  }[] = []
  for (const { role, action, context, rehearse } of questions(options)) {
    const pairs = context === undefined ? undefined : contexts[context]
    const predicted = await predict(role, `kms:${action}`, pairs)
    const observed = await observe(rehearse)
    matrix.push({ role, action, context: context ?? null, predicted, observed })
    if (observed === 'carried out') break
  }
  const isCarriedOut = matrix.at(-1)?.observed === 'carried out'
  const wrong = matrix.filter(
    ({ predicted, observed }) => (observed === 'allow' || observed === 'deny') && observed !== predicted
  )
  const unclear = matrix.filter(({ observed }) => typeof observed === 'object').length
  const [first] = wrong
  const doubt = isCarriedOut
    ? 'a rehearsal was carried out: the engine knows no DryRun'
    : unclear > 0
      ? `${unclear} rehearsals failed for another reason than a policy`
      : matrix.length === 0
        ? 'no role to ask for'
        : undefined
  return {
    id: ProofId.permissions,
    result: first !== undefined ? 'failed' : doubt !== undefined ? 'void' : 'proved',
    reason:
      first !== undefined
        ? `${wrong.length} of ${matrix.length} differ, such as ${first.action} of ${first.role}: predicted ${first.predicted}, observed ${first.observed as string}`
        : (doubt ?? `${matrix.length} rehearsals came out as the policies say`),
    measurements: {
      questions: matrix.length,
      allowed: matrix.filter(({ observed }) => observed === 'allow').length,
      denied: matrix.filter(({ observed }) => observed === 'deny').length,
      differing: wrong.length
    },
    evidence: { keyArn, matrix: matrix.map(row => ({ ...row })) }
  }
}

/** Of each role, with CreateGrant last: of all of them only that one would leave something behind. */
function* questions({ keyArn, roles, contexts }: PermissionOptions): Generator<Question> {
  for (const { name: role, client } of roles) {
    for (const [context, EncryptionContext] of Object.entries(contexts)) {
      const common = { KeyId: keyArn, EncryptionContext, DryRun: true }
      const decrypt = new DecryptCommand({ ...common, DryRunModifiers: ['IGNORE_CIPHERTEXT'] })
      const generate = new GenerateDataKeyCommand({ ...common, KeySpec: 'AES_256' })
      const encrypt = new EncryptCommand({ ...common, Plaintext: Buffer.alloc(1) })
      yield { role, action: 'Decrypt', context, rehearse: () => client.send(decrypt) }
      yield { role, action: 'GenerateDataKey', context, rehearse: () => client.send(generate) }
      yield { role, action: 'Encrypt', context, rehearse: () => client.send(encrypt) }
    }
  }
  for (const { name: role, client } of roles) {
    const grant = new CreateGrantCommand({
      KeyId: keyArn,
      GranteePrincipal: grantee(keyArn),
      Operations: ['Decrypt'],
      DryRun: true
    })
    yield { role, action: 'CreateGrant', context: undefined, rehearse: () => client.send(grant) }
  }
}

async function observe(rehearse: () => Promise<unknown>): Promise<Observed> {
  try {
    await rehearse()
    return 'carried out'
  } catch (error) {
    const errorCode = serviceErrorName(error)
    if (errorCode === 'DryRunOperationException') return 'allow'
    if (errorCode === 'AccessDeniedException') return 'deny'
    return { errorCode }
  }
}
