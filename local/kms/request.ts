import { accessDenied, type LocalAuthorize, type LocalCaller, questionOf } from '../authorization.ts'
import { AwsError } from '../aws-json.ts'
import { conditionKeys } from './condition-keys.ts'
import { type EncryptionContext, type Grant, grantAllows } from './grants.ts'
import type { KmsKey } from './key.ts'
import type { KmsStore } from './store.ts'
import { grantTokensOf } from './validations/grants.ts'

export interface KmsCaller extends LocalCaller {
  readonly region: string
}

export interface KmsRequestOptions {
  readonly store: KmsStore
  readonly authorize: LocalAuthorize | undefined
  readonly operation: string
  readonly input: Readonly<Record<string, unknown>>
  readonly caller: KmsCaller
}

export interface Permission {
  /** @default the operation */
  readonly action?: string
  readonly context?: EncryptionContext
  /** What a grant must satisfy besides, for it to allow the action. */
  readonly accepts?: (grant: Grant) => boolean
  /** The caller did not name the key: a refusal must not tell that it exists. */
  readonly isHidden?: boolean
}

/** One API action under way. */
export type KmsAction = (request: KmsRequest) => object | Promise<object>

/** A request with what it needs on its way: keys are found, then allowed, then checked for their state. */
export class KmsRequest {
  readonly store: KmsStore
  readonly input: Readonly<Record<string, unknown>>
  readonly region: string
  readonly #options: KmsRequestOptions
  readonly #keyArns: string[] = []

  constructor(options: KmsRequestOptions) {
    this.#options = options
    this.store = options.store
    this.input = options.input
    this.region = options.caller.region
  }

  /** ARNs of the keys that were found or made so far. */
  get keyArns(): readonly string[] {
    return this.#keyArns
  }

  get principal(): string | undefined {
    return this.#options.caller.principal
  }

  nowMs(): number {
    return this.store.options.clock.wallTime()
  }

  /** Puts a key down for the request log. */
  note(key: KmsKey): void {
    if (!this.#keyArns.includes(key.arn)) this.#keyArns.push(key.arn)
  }

  /**
   * The key that a member of the input names, whatever its state.
   * @throws AwsError NotFoundException, AccessDeniedException
   */
  async key(member = 'KeyId', permission: Permission = {}): Promise<KmsKey> {
    const key = this.store.find(this.input[member], this.region)
    await this.permit(key, permission)
    return key
  }

  /** The same, where a key on its way out is refused. @throws AwsError KMSInvalidStateException, too */
  async livingKey(member = 'KeyId', permission: Permission = {}): Promise<KmsKey> {
    const key = await this.key(member, permission)
    checkLiving(key)
    return key
  }

  /** The same, where a disabled key is refused as well. @throws AwsError DisabledException, too */
  async usableKey(member = 'KeyId', permission: Permission = {}): Promise<KmsKey> {
    const key = await this.key(member, permission)
    checkUsable(key)
    return key
  }

  /** @throws AwsError AccessDeniedException when neither the decision function nor a grant allows the action */
  async permit(key: KmsKey | undefined, permission: Permission = {}): Promise<void> {
    const { authorize, operation, input, caller } = this.#options
    const { action = operation, context = {}, accepts = () => true, isHidden = false } = permission
    if (key !== undefined) this.note(key)
    const grantTokens = grantTokensOf(input)
    for (const token of grantTokens) this.store.grantOfToken(token)
    if (authorize === undefined) return
    const question = {
      ...questionOf('kms', caller, {
        action: `kms:${action}`,
        resource: key?.arn ?? '*',
        resourcePolicy: key?.policy,
        context: conditionKeys({ action, context, input, viaService: caller.viaService })
      }),
      grantTokens
    }
    const decision = await authorize(question)
    if (decision === 'allow') return
    const grants = decision === 'deny' ? [] : [...(key?.grants.values() ?? [])]
    if (grants.some(grant => grantAllows(grant, action, caller.principal, context) && accepts(grant))) return
    if (isHidden) throw unknownCiphertextKey()
    throw accessDenied(question, decision, this.store.options.accountId)
  }

  /** Ends a request that asked for a rehearsal. @throws AwsError DryRunOperationException */
  endDryRun(): void {
    if (this.input.DryRun !== true) return
    throw new AwsError(
      'DryRunOperationException',
      'The request would have succeeded, but the DryRun option is set.',
      412
    )
  }
}

export function checkLiving(key: KmsKey): void {
  if (key.state === 'PendingDeletion') {
    throw new AwsError('KMSInvalidStateException', `${key.arn} is pending deletion.`)
  }
  if (key.state === 'PendingReplicaDeletion') {
    throw new AwsError('KMSInvalidStateException', `${key.arn} is pending replica deletion.`)
  }
}

export function checkUsable(key: KmsKey): void {
  if (key.state === 'Disabled') throw new AwsError('DisabledException', `${key.arn} is disabled.`)
  checkLiving(key)
}

/** What a caller is told that sends a ciphertext of a key which is gone, elsewhere, or not for it. */
export function unknownCiphertextKey(): AwsError {
  return new AwsError(
    'AccessDeniedException',
    'The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.'
  )
}
