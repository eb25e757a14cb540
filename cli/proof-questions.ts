import {
  clientConfigOf,
  type Engine,
  type KeyUseOptions,
  type PipelinePlan,
  ProofId,
  type ServiceName,
  type VerdictOptions
} from '../pipeline/index.ts'
import { accountServices, openAccount } from './account.ts'
import { UsageError } from './exit-code.ts'
import { accountKeyUses, plannedKeyUses } from './key-uses.ts'
import { type PlannedPermissions, startPlannedPermissions } from './planned-permissions.ts'
import { accountVerdicts, engineVerdicts } from './verdicts.ts'

/** What the proofs ask that somebody else has to answer; a text says why there is nothing to ask. */
export interface ProofQuestions {
  permissions: PlannedPermissions | string
  keyUses: KeyUseOptions | string
  verdicts: VerdictOptions | string
}

export interface QuestionSettings {
  readonly plan: PipelinePlan
  readonly only: readonly ProofId[]
  /** How far back an account is looked at. */
  readonly windowMs: number
}

/** To be called when the proofs are done. */
export type Closers = (() => void | Promise<void>)[]

/** Engines of their own, which decide, or hold, what the plan says. */
export async function askEngines(
  asked: ProofQuestions,
  { plan, only }: QuestionSettings,
  closers: Closers
): Promise<void> {
  if (only.includes(ProofId.permissions) || only.includes(ProofId.keyUses)) {
    const permissions = await startPlannedPermissions(plan)
    asked.permissions = permissions
    asked.keyUses = typeof permissions === 'string' ? permissions : plannedKeyUses(plan, permissions)
    if (typeof permissions !== 'string') closers.push(() => permissions.close())
  }
  if (only.includes(ProofId.sameVerdicts)) {
    const verdicts = await engineVerdicts(plan)
    asked.verdicts = verdicts.options
    closers.push(verdicts.close)
  }
}

/** What is read of an account, by clients that may not be there: without `isOptional` that is an error. */
export async function askAccount(
  asked: ProofQuestions,
  { plan, only, windowMs }: QuestionSettings,
  closers: Closers,
  { engine, isOptional, signal }: { engine: Engine; isOptional: boolean; signal: AbortSignal }
): Promise<void> {
  const orReason = (error: unknown): string => {
    if (isOptional && error instanceof UsageError) return error.message
    throw error
  }
  if (only.includes(ProofId.keyUses)) {
    const trail = await accountKeyUses(plan, engine, windowMs, signal).catch(orReason)
    asked.keyUses = typeof trail === 'string' ? trail : trail.keyUses
    if (typeof trail !== 'string') closers.push(trail.close)
  }
  if (only.includes(ProofId.sameVerdicts)) {
    const configOf = (service: string) => clientConfigOf(engine, service as ServiceName)
    const account = await openAccount(accountServices, configOf).catch(orReason)
    if (typeof account === 'string') asked.verdicts = account
    else {
      closers.push(() => account.close())
      asked.verdicts = await accountVerdicts(plan, account.read, accountServices)
    }
  }
}
