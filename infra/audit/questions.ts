import { InvalidOptionError } from '../../core/errors.ts'
import type { AccessPrincipal, NamedPolicy } from '../access.ts'
import { evaluate } from '../evaluator.ts'
import type { PolicyDocument } from '../policy-document.ts'
import type { AuditModel } from './model.ts'
import { nameIn, resourcesOf } from './readers.ts'

/** `unknown`: a policy that has a say is not there or cannot be read. */
export type Answer = 'allow' | 'deny' | 'unknown'

export interface Question {
  readonly principal: AccessPrincipal
  readonly action: string
  readonly resource: string
  readonly context?: Readonly<Record<string, string>>
  /** @default the principal's own of the model, within its permissions boundary */
  readonly identity?: readonly NamedPolicy[]
  /** @default the one of the model */
  readonly resourcePolicy?: NamedPolicy
  readonly limits?: readonly NamedPolicy[]
}

const everything = { Effect: 'Allow', Action: '*', Resource: '*' } as const

/** For asking what other policies refuse to somebody whom IAM refuses nothing. */
export const everyRight: NamedPolicy = { name: 'every right', document: { Statement: [everything] } }

/** For asking what the policies of others refuse, to whom this resource refuses nothing. */
export const openToAll: NamedPolicy = {
  name: 'open to all',
  document: { Statement: [{ ...everything, Principal: '*' }] }
}

/** What an ordinary request has: over TLS, and made by the principal itself. */
const ordinary = {
  'aws:SecureTransport': 'true',
  's3:TlsVersion': '1.3',
  'aws:ViaAWSService': 'false'
}

/** Puts a question to the policies of the model. */
export function ask(model: AuditModel, question: Question): Answer {
  const { principal, action, resource } = question
  const owner = ownerOf(resource)
  const identity = question.identity ?? model.identityPolicies.get(principal.arn) ?? []
  const resourcePolicy = question.resourcePolicy ?? model.resourcePolicies.get(owner)
  const boundary = question.identity === undefined ? model.boundaries?.get(principal.arn) : undefined
  const limits = [...(question.limits ?? []), ...(boundary === undefined ? [] : [boundary])]
  const missing = [
    ...(question.identity === undefined ? (model.unreadablePolicies?.get(principal.arn) ?? []) : []),
    ...(question.resourcePolicy === undefined ? (model.unreadablePolicies?.get(owner) ?? []) : [])
  ]
  // Every key has a policy: one without is not of this model.
  const isWithoutPolicy = action.startsWith('kms:') && resourcePolicy === undefined
  try {
    const { effect } = evaluate(
      {
        principal,
        action,
        resource,
        context: {
          ...ordinary,
          'aws:PrincipalIsAWSService': String(principal.accountId === undefined),
          ...question.context
        }
      },
      {
        identity,
        ...(resourcePolicy === undefined ? {} : { resource: resourcePolicy }),
        limits
      }
    )
    // Nothing that was not read could undo a deny.
    if (effect === 'explicitDeny') return 'deny'
    if (effect === 'allow' && missing.every(({ onlyAllows }) => onlyAllows === true)) return 'allow'
    if (missing.length > 0 || isWithoutPolicy) return 'unknown'
    return effect === 'allow' ? 'allow' : 'deny'
  } catch (error) {
    // A condition or a statement that the evaluator does not know: no answer rather than a guess.
    if (error instanceof InvalidOptionError) return 'unknown'
    throw error
  }
}

/** Somebody of the account whom no policy names. */
export function anybody(model: AuditModel): AccessPrincipal {
  return principalOf(`arn:${model.partition}:iam::${model.accountId}:role/anybody`)
}

/** Somebody of an account that no policy names. */
export function stranger(model: AuditModel): AccessPrincipal {
  return principalOf(`arn:${model.partition}:iam::${foreignAccount(model)}:role/stranger`)
}

export function foreignAccount(model: AuditModel): string {
  return model.accountId === '999999999999' ? '999999999998' : '999999999999'
}

/** @param name such as `firehose.amazonaws.com` */
export function service(name: string): AccessPrincipal {
  return { arn: name, accountId: undefined }
}

export function principalOf(arn: string): AccessPrincipal {
  return { arn, accountId: arn.split(':')[4] }
}

const principals = new WeakMap<AuditModel, readonly AccessPrincipal[]>()

/** Roles and users of the model; found once, since most controls ask about all of them. */
export function principalsOf(model: AuditModel): readonly AccessPrincipal[] {
  const known = principals.get(model) ?? findPrincipals(model)
  principals.set(model, known)
  return known
}

function findPrincipals(model: AuditModel): readonly AccessPrincipal[] {
  const arns = [
    ...resourcesOf(model, 'AWS::IAM::Role', 'AWS::IAM::User').map(({ arn }) => arn),
    ...[...model.identityPolicies.keys()].filter(arn => /:(role|user)\//.test(arn))
  ]
  return [...new Set(arns)].map(principalOf)
}

/** For evidence: the logical id of a role in a template, and its name elsewhere. */
export function nameOfPrincipal(model: AuditModel, { arn }: AccessPrincipal): string {
  return model.resources.find(resource => resource.arn === arn)?.id ?? nameIn(arn)
}

/** Anybody, the principals of the model, and those that a policy names: whoever may be an exception to a deny. */
export function principalsFor(
  model: AuditModel,
  policy: NamedPolicy | undefined
): readonly AccessPrincipal[] {
  const arns = [...principalsOf(model).map(({ arn }) => arn), ...rolesNamedBy(policy)]
  return [anybody(model), ...[...new Set(arns)].map(principalOf)]
}

/**
 * Anybody, and those whom a policy can tell from anybody. For questions to that policy about principals whom nothing else
 * refuses anything: of the others each would get the answer that anybody gets.
 */
export function principalsToldApart(
  model: AuditModel,
  policy: NamedPolicy | undefined
): readonly AccessPrincipal[] {
  // By a pattern, or a variable, it may tell any of them.
  const isByPattern =
    namesOfPrincipals(policy).some(name => /[*?]/.test(name)) ||
    JSON.stringify(policy?.document ?? {}).includes('${')
  if (isByPattern) return principalsFor(model, policy)
  return [anybody(model), ...[...new Set(rolesNamedBy(policy))].map(principalOf)]
}

/** Whether a policy names this principal, itself or in a condition; a pattern names nobody. */
export function isNamedBy(policy: NamedPolicy | undefined, arn: string): boolean {
  return namesOfPrincipals(policy).includes(arn)
}

/** Roles and users among whom a policy names; a pattern as one that it matches. */
function rolesNamedBy(policy: NamedPolicy | undefined): readonly string[] {
  return namesOfPrincipals(policy)
    .map(withoutWildcards)
    .filter(arn => /^arn:[^:]+:iam::\d+:(role|user)\//.test(arn))
}

function namesOfPrincipals(policy: NamedPolicy | undefined): readonly string[] {
  const listed = (policy?.document.Statement ?? []).flatMap(({ Principal, NotPrincipal }) =>
    [Principal, NotPrincipal].flatMap(each =>
      each === undefined || each === '*' ? [] : [each.AWS ?? []].flat()
    )
  )
  // A principal of everybody is no pattern of names.
  return [...mentionedIn(policy?.document, 'aws:PrincipalArn'), ...listed.filter(name => name !== '*')]
}

const circumstanceKeys = ['aws:SourceVpce', 'aws:SourceVpc', 'aws:SourceIp', 'aws:PrincipalOrgID']

/**
 * Ways in which a request may come so that a policy's other demands are met, such as through the endpoint that it names:
 * a question about transport is to be decided by transport.
 */
export function circumstancesOf(
  policy: NamedPolicy | undefined
): readonly Readonly<Record<string, string>>[] {
  const single = circumstanceKeys.flatMap(key =>
    mentionedIn(policy?.document, key).map(value => ({
      [key]: key === 'aws:SourceIp' ? value.replace(/\/\d+$/, '') : withoutWildcards(value)
    }))
  )
  return [{}, ...single, ...(single.length > 1 ? [Object.assign({}, ...single)] : [])]
}

/** The encryption context that a policy demands: the first value of each pair. */
export function encryptionContextIn(document: PolicyDocument | undefined): Record<string, string> {
  const keys = (document?.Statement ?? [])
    .flatMap(({ Condition = {} }) => Object.values(Condition).flatMap(test => Object.keys(test)))
    .filter(key => /^kms:EncryptionContext:/i.test(key))
  return Object.fromEntries(keys.map(key => [key, withoutWildcards(mentionedIn(document, key)[0] ?? '')]))
}

/** Values that the conditions of a policy compare a key with. Names of condition keys have no case. */
function mentionedIn(document: PolicyDocument | undefined, conditionKey: string): string[] {
  const values = (document?.Statement ?? []).flatMap(({ Condition = {} }) =>
    Object.entries(Condition)
      .filter(([operator]) => !/^null$/i.test(operator))
      .flatMap(([, test]) =>
        Object.entries(test).flatMap(([key, value]) =>
          key.toLowerCase() === conditionKey.toLowerCase() ? value : []
        )
      )
  )
  return [...new Set(values)]
}

/** A value that a pattern matches. */
function withoutWildcards(pattern: string): string {
  return pattern.replaceAll('*', 'x').replaceAll('?', 'x')
}

/** ARN of that whose policy decides: the bucket of an object, the table of an index, the catalog of a database. */
function ownerOf(resource: string): string {
  const [, catalog] = /^(arn:[^:]+:glue:[^:]*:[^:]*:)(database|table)\//.exec(resource) ?? []
  if (catalog !== undefined) return `${catalog}catalog`
  if (/^arn:[^:]+:s3:::/.test(resource)) return resource.split('/', 1)[0]!
  return /^arn:[^:]+:dynamodb:/.test(resource) ? resource.split('/').slice(0, 2).join('/') : resource
}
