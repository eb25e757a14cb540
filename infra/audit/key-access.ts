import type { AccessPrincipal, NamedPolicy } from '../access.ts'
import type { PolicyDocument, PolicyStatement } from '../policy-document.ts'
import { type Problem, unknown, wrong } from './judge.ts'
import type { AuditModel, AuditResource } from './model.ts'
import { type Answer, anybody, ask, everyRight, nameOfPrincipal, principalsFor } from './questions.ts'
import { urlSuffixOf } from './template/resource-names.ts'

export const wrappingActions = [
  'kms:Encrypt',
  'kms:GenerateDataKey',
  'kms:GenerateDataKeyWithoutPlaintext',
  'kms:ReEncryptTo'
] as const
export const unwrappingActions = ['kms:Decrypt', 'kms:ReEncryptFrom'] as const
export const cryptographicActions = [...wrappingActions, ...unwrappingActions] as const

/** Who is asked about. The administrator is one whom IAM allows everything, and whom no policy of a key names. */
export interface Asker {
  readonly name: string
  readonly principal: AccessPrincipal
  /** @default those of the model */
  readonly identity?: readonly NamedPolicy[]
}

/** Condition keys of a request to KMS. */
export type KeyContext = Readonly<Record<string, string>>

/** A use of a key that policies allow. */
export interface KeyUse {
  readonly asker: Asker
  readonly action: string
  readonly context: KeyContext
}

const contextPrefix = 'kms:EncryptionContext:'
const viaService = 'kms:ViaService'
const equalities =
  /^(ForAnyValue:)?(StringEquals|StringEqualsIgnoreCase|StringLike|ArnEquals|ArnLike|Bool)(IfExists)?$/

export function administrator(model: AuditModel): Asker {
  return { name: 'an administrator', principal: anybody(model), identity: [everyRight] }
}

/** The administrator, the principals of the model, and those that the key's policy names. */
export function askersOf(model: AuditModel, key: AuditResource): readonly Asker[] {
  const [, ...principals] = principalsFor(model, model.resourcePolicies.get(key.arn))
  return [
    administrator(model),
    ...principals.map(principal => ({ name: nameOfPrincipal(model, principal), principal }))
  ]
}

/** Whether a key may be used so. What not even every right of IAM allows is denied, whatever else a role has. */
export function askKey(
  model: AuditModel,
  key: AuditResource,
  { asker: { principal, identity }, action, context }: KeyUse
): Answer {
  if (!mayBeAllowed(model, key, action)) return 'deny'
  const question = {
    principal,
    action,
    resource: key.arn,
    context: { 'kms:CallerAccount': principal.accountId ?? model.accountId, ...context }
  }
  const answer = ask(model, { ...question, ...(identity === undefined ? {} : { identity }) })
  if (answer !== 'unknown' || identity !== undefined) return answer
  return ask(model, { ...question, identity: [everyRight] }) === 'deny' ? 'deny' : 'unknown'
}

/**
 * Whether the key's policy has an Allow for this action at all. Without one nobody is allowed it, in no circumstances: most
 * questions are answered by that, at no cost.
 */
function mayBeAllowed(model: AuditModel, { arn }: AuditResource, action: string): boolean {
  const policy = model.resourcePolicies.get(arn)
  if (policy === undefined || model.unreadablePolicies?.has(arn)) return true
  const byAction = allowances.get(policy.document) ?? new Map<string, boolean>()
  allowances.set(policy.document, byAction)
  const known = byAction.get(action)
  if (known !== undefined) return known
  const mayBe = policy.document.Statement.some(
    ({ Effect, Action, NotAction }) =>
      Effect === 'Allow' &&
      (NotAction !== undefined || [Action ?? []].flat().some(pattern => mayMatch(pattern, action)))
  )
  byAction.set(action, mayBe)
  return mayBe
}

/** Policy of a key -> action -> whether it may be allowed: asked for each principal in each circumstance. */
const allowances = new WeakMap<PolicyDocument, Map<string, boolean>>()

/** Wildcards as they are in any place of a policy: wide enough to rule out, not to decide. */
function mayMatch(pattern: string, text: string): boolean {
  if (pattern === '*' || pattern.includes('${')) return true
  if (!/[*?]/.test(pattern)) return pattern.toLowerCase() === text.toLowerCase()
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
  return new RegExp(`^${source}$`, 'i').test(text)
}

/**
 * Circumstances that the policies of a key and of principals speak of: none, and what each Allow demands. A use that none
 * of them allows is one that no policy has in mind.
 */
export function circumstancesOfKey(model: AuditModel, key: AuditResource): readonly KeyContext[] {
  const keyPolicy = model.resourcePolicies.get(key.arn)?.document
  const identity = [...model.identityPolicies.values()].flat().map(({ document }) => document)
  const contexts = [
    ...(keyPolicy === undefined ? [] : circumstancesIn(keyPolicy)),
    ...identity.flatMap(document => circumstancesIn(document, key.arn))
  ]
  return [...new Map([{}, ...contexts].map(context => [JSON.stringify(context), context])).values()]
}

/** What each Allow of a policy that speaks of KMS demands; for an identity's policy of this key alone where one is given. */
export function circumstancesIn(document: PolicyDocument, keyArn?: string): readonly KeyContext[] {
  return document.Statement.filter(
    ({ Effect, Action, NotAction, Resource, NotResource }) =>
      Effect === 'Allow' &&
      (NotAction !== undefined || [Action ?? []].flat().some(isForKms)) &&
      (keyArn === undefined ||
        NotResource !== undefined ||
        [Resource ?? []].flat().some(pattern => mayMatch(pattern, keyArn)))
  ).map(demandsOf)
}

/** Every use of these actions that somebody is allowed, and whether all was told that has a say. */
export function usesOf(
  model: AuditModel,
  key: AuditResource,
  actions: readonly string[]
): { readonly allowed: readonly KeyUse[]; readonly unknown: readonly KeyUse[] } {
  const circumstances = circumstancesOfKey(model, key)
  const uses = askersOf(model, key).flatMap(asker =>
    actions.flatMap(action => circumstances.map(context => ({ asker, action, context })))
  )
  const answers = uses.map(use => [use, askKey(model, key, use)] as const)
  const those = (wanted: Answer) => answers.filter(([, answer]) => answer === wanted).map(([use]) => use)
  return { allowed: those('allow'), unknown: those('unknown') }
}

/** One problem for each principal whose rights cannot be told. */
export function unknownUses(uses: readonly KeyUse[]): readonly Problem[] {
  return [...new Set(uses.map(({ asker }) => asker.name))].map(name =>
    unknown(`what ${name} may do with it cannot be told`)
  )
}

/** A use that ought to be refused, and what was answered. `how` follows the action, such as `directly`. */
export interface TriedUse {
  readonly use: KeyUse
  readonly how: string
  readonly answer: Answer
}

/** Puts a use to the policies that they ought to refuse. */
export function tryUse(model: AuditModel, key: AuditResource, use: KeyUse, how: string): TriedUse {
  return { use, how, answer: askKey(model, key, use) }
}

/** What was not refused: one problem for all that a principal may do in the same way. */
export function problemsOfTried(tried: readonly TriedUse[]): readonly Problem[] {
  const groups = new Map<string, { first: TriedUse; actions: Set<string> }>()
  for (const each of tried) {
    if (each.answer === 'deny') continue
    const name = [each.use.asker.name, each.how, each.answer].join('\n')
    const group = groups.get(name) ?? { first: each, actions: new Set() }
    group.actions.add(each.use.action)
    groups.set(name, group)
  }
  return [...groups.values()].map(({ first: { use, how, answer }, actions }) => {
    const what = `${use.asker.name} may ${namesOfActions([...actions])} ${how}`.trimEnd()
    return answer === 'allow' ? wrong(what) : unknown(`whether ${what} cannot be told`)
  })
}

/** The names of actions without their service, or in short for all of them. */
function namesOfActions(actions: readonly string[]): string {
  if (cryptographicActions.every(action => actions.includes(action))) return 'wrap and unwrap'
  return actions.map(action => action.replace(/^kms:/, '')).join(', ')
}

export function hasEncryptionContext(context: KeyContext): boolean {
  return Object.keys(context).some(isEncryptionContext)
}

export function withoutEncryptionContext(context: KeyContext): KeyContext {
  return Object.fromEntries(Object.entries(context).filter(([name]) => !isEncryptionContext(name)))
}

/** The same circumstances with one pair of the encryption context altered: one for each pair. */
export function withForeignPairs(context: KeyContext): readonly KeyContext[] {
  return Object.keys(context)
    .filter(isEncryptionContext)
    .map(name => ({ ...context, [name]: `another-${context[name]}` }))
}

export function withExtraPair(context: KeyContext): KeyContext {
  return { ...context, [`${contextPrefix}not-of-the-pipeline`]: 'x' }
}

export function isThroughService(context: KeyContext): boolean {
  return Object.keys(context).some(isViaService)
}

/** `service` such as `s3`; undefined for a direct call. */
export function throughService(
  model: AuditModel,
  context: KeyContext,
  service: string | undefined
): KeyContext {
  const direct = Object.fromEntries(Object.entries(context).filter(([name]) => !isViaService(name)))
  if (service === undefined) return direct
  return { ...direct, [viaService]: `${service}.${model.region}.${urlSuffixOf(model)}` }
}

function isEncryptionContext(name: string): boolean {
  return name.toLowerCase().startsWith(contextPrefix.toLowerCase())
}

function isViaService(name: string): boolean {
  return name.toLowerCase() === viaService.toLowerCase()
}

function isForKms(action: string): boolean {
  return /^(kms:|\*)/i.test(action)
}

function demandsOf({ Condition = {} }: PolicyStatement): KeyContext {
  const pairs = Object.entries(Condition)
    .filter(([operator]) => equalities.test(operator))
    .flatMap(([, test]) => Object.entries(test))
    // What a principal is, it is by itself.
    .filter(([name]) => !/^(aws:Principal|kms:CallerAccount)/i.test(name))
    .map(([name, values]) => [name, valueThatMatches([values].flat()[0] ?? '')] as const)
  return Object.fromEntries(pairs)
}

function valueThatMatches(pattern: string): string {
  return pattern.replaceAll('*', 'x').replaceAll('?', 'x')
}
