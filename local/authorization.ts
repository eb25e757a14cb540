import { AwsError } from './aws-error.ts'
import type { LocalService } from './services.ts'

/** Condition keys -> values. A list is a key with several values. */
export type AuthorizationContext = Readonly<Record<string, string | readonly string[]>>

/** A question to the decision function: may this principal do that, to this? */
export interface LocalAuthorization {
  readonly service: LocalService
  /** As policies call it, such as `kms:Decrypt`. A request that does several things asks for each. */
  readonly action: string
  /** ARN; `*` for an action that is about no resource, such as `kms:ListKeys`. */
  readonly resource: string
  /** Policy of the resource as it was put; undefined when it has none. */
  readonly resourcePolicy: string | undefined
  /**
   * Access key id out of the signature, ARN of the role that a service works under, or undefined for an unsigned
   * request.
   */
  readonly principal: string | undefined
  /**
   * Such as `kms:EncryptionContext:stream`, `kms:ViaService`, `s3:prefix`. `aws:SecureTransport` is always `true`: the
   * ports stand for those of AWS, which speak TLS.
   */
  readonly context: AuthorizationContext
  /** Of a request to KMS. */
  readonly grantTokens?: readonly string[]
}

/**
 * `allow` and `deny` are final. `implicitDeny` says that no policy speaks of the request: a grant on a KMS key may
 * allow it still, as on AWS; everything else is refused.
 */
export type LocalDecision = 'allow' | 'deny' | 'implicitDeny'

/** Decides about every request to every engine. */
export type LocalAuthorize = (request: LocalAuthorization) => LocalDecision | Promise<LocalDecision>

/** Something that a request wants to do. */
export type Permission = Pick<LocalAuthorization, 'action' | 'resource'> & {
  readonly resourcePolicy?: string | undefined
  readonly context?: AuthorizationContext
}

/** Who wants it. */
export interface LocalCaller {
  readonly principal: string | undefined
  /** The AWS service that the principal asks through, such as `s3.us-east-1.amazonaws.com`. */
  readonly viaService?: string | undefined
}

/** How an engine asks before it carries a request out. @throws AwsError when it is refused */
export type AuthorizeRequest<Input> = (
  operation: string,
  input: Input,
  principal: string | undefined
) => Promise<void>

/** The whole question. */
export function questionOf(
  service: LocalService,
  { principal, viaService }: LocalCaller,
  { action, resource, resourcePolicy, context = {} }: Permission
): LocalAuthorization {
  return {
    service,
    action,
    resource,
    resourcePolicy,
    principal,
    context: {
      'aws:SecureTransport': 'true',
      'aws:ViaAWSService': String(viaService !== undefined),
      ...context
    }
  }
}

/**
 * Asks for each permission, one after the other.
 * @throws AwsError for the first that is not allowed: `AccessDenied` (403) of S3 and SQS, or else
 *   `AccessDeniedException` (400)
 */
export async function checkPermissions(
  authorize: LocalAuthorize,
  asked: readonly LocalAuthorization[],
  accountId: string
): Promise<void> {
  for (const question of asked) {
    const decision = await authorize(question)
    if (decision !== 'allow') throw accessDenied(question, decision, accountId)
  }
}

/**
 * In the words of AWS. Which kind of policy denied is not known here: it is taken to be the resource's when the resource
 * has one.
 */
export function accessDenied(
  { service, action, resource, resourcePolicy, principal }: LocalAuthorization,
  decision: Exclude<LocalDecision, 'allow'>,
  accountId: string
): AwsError {
  // SQS writes actions small, S3 puts quotes around resources, KMS looks for a policy of the key.
  const named = service === 'sqs' ? action.toLowerCase() : action
  const quoted = service === 's3' && resource !== '*' ? `"${resource}"` : resource
  const deciding = resourcePolicy === undefined ? 'an identity-based' : 'a resource-based'
  const because =
    decision === 'deny'
      ? `with an explicit deny in ${service === 'kms' ? 'a resource-based' : deciding} policy`
      : `because no ${service === 'kms' ? 'resource-based' : 'identity-based'} policy allows the ${named} action`
  const message = `User: ${userArn(principal, accountId)} is not authorized to perform: ${named} on resource: ${quoted} ${because}`
  return service === 's3' || service === 'sqs'
    ? new AwsError('AccessDenied', message, 403)
    : new AwsError('AccessDeniedException', message)
}

/** How a refusal names whoever asked: a role by its ARN, and an access key id as if it were a user. */
export function userArn(principal: string | undefined, accountId: string): string {
  return principal?.startsWith('arn:') === true
    ? principal
    : `arn:aws:iam::${accountId}:user/${principal ?? 'anonymous'}`
}
