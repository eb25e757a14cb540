import type { Clock } from '../../core/clock.ts'
import type { SealingKeyring } from '../../core/record-transform.ts'
import { type DataKeyCacheOptions, kmsKeyring } from '../../crypto/index.ts'
import { clientConfigOf, type Engine } from '../engine.ts'
import type { PipelinePlan, ResolvedPlan } from '../plan.ts'

/** The proofs, under the ids that they have in the control catalogue. */
export const ProofId = {
  noPlaintextAtRest: 'E2E-01',
  revocation: 'E2E-02',
  boundContext: 'E2E-03',
  permissions: 'E2E-04',
  keyUses: 'E2E-05',
  sameVerdicts: 'E2E-06'
} as const
export type ProofId = (typeof ProofId)[keyof typeof ProofId]

/**
 * `void`: a control of the proof itself failed, so that it says nothing either way. `notApplicable`: there is nothing to
 * prove, or this engine cannot show it.
 */
export type ProofResult = 'proved' | 'failed' | 'void' | 'notApplicable'

/** Never a payload, a key or the value of a context pair. */
export type EvidenceValue =
  | string
  | number
  | boolean
  | null
  | readonly EvidenceValue[]
  | { readonly [name: string]: EvidenceValue }

export interface Proof {
  readonly id: ProofId
  readonly result: ProofResult
  /** For people, in one line: what was shown, or what was found instead. */
  readonly reason: string
  readonly measurements: Readonly<Record<string, EvidenceValue>>
  readonly evidence: Readonly<Record<string, EvidenceValue>>
}

/** What the proofs are about. */
export interface ProofSubject {
  readonly plan: PipelinePlan
  readonly engine: Engine
  /** Makes the keyring that seals and opens, with this data-key cache. @default KMS with the plan's key */
  readonly keyringOf?: (cache: DataKeyCacheOptions) => SealingKeyring
  /** @default the system's clock */
  readonly clock?: Clock
  readonly signal?: AbortSignal
}

export function keyringOf(
  { engine, keyringOf: make }: ProofSubject,
  { sealing }: ResolvedPlan,
  cache: DataKeyCacheOptions = {}
): SealingKeyring {
  return (
    make?.(cache) ?? kmsKeyring({ keyId: sealing.keyId, clientConfig: clientConfigOf(engine, 'kms'), cache })
  )
}

/** Whether resources may be made: everywhere but on AWS, where they are infrastructure, and others work with them. */
export function mayMakeResources({ engine }: ProofSubject): boolean {
  return engine.kind !== 'aws'
}

/** Of a proof that looks at one key, and one set of pairs. */
export const tenantsReason = 'the tenants of the plan have keys of their own'

export function notApplicable(id: ProofId, reason: string): Proof {
  return { id, result: 'notApplicable', reason, measurements: {}, evidence: {} }
}

const pollMs = 20

/** Looks until it holds, or time is up. Rejects with the signal's reason. */
export async function holdsWithin(
  ms: number,
  clock: Clock,
  holds: () => boolean | Promise<boolean>,
  signal?: AbortSignal
): Promise<boolean> {
  const end = clock.now() + ms
  for (;;) {
    if (await holds()) return true
    if (clock.now() >= end) return false
    await clock.sleep(pollMs, signal)
  }
}
