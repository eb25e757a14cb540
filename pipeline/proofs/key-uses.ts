import type { EncryptionContext } from '../../core/record-transform.ts'
import { type Proof, ProofId } from './proof.ts'

/** What one entry of a log of KMS says. */
export interface KeyUse {
  /** Names the entry in its log. */
  readonly id: string
  /** ARN of the role, or whatever else the log calls the caller. */
  readonly principal: string
  /** Such as `Decrypt`. */
  readonly operation: string
  /** Undefined where the log keeps the names of the pairs alone. */
  readonly context: EncryptionContext | undefined
  readonly contextNames: readonly string[]
  /** Name of the error that was answered; undefined for what was carried out. */
  readonly error: string | undefined
}

export interface KeyUseLog {
  /** Milliseconds since 1970. */
  readonly fromMs: number
  readonly toMs: number
  readonly uses: readonly KeyUse[]
  /** What of this time is missing or cannot be read; undefined when it is all there. */
  readonly gap: string | undefined
}

export interface KeyUseOptions {
  /** ARN of the key that wraps data keys. */
  readonly keyArn: string
  readonly read: () => Promise<KeyUseLog>
  /** What the policies of the plan say. */
  readonly mayUse: (use: KeyUse) => boolean
  /**
   * Where the log is not that of others: uses the key as it is meant, and then in a way that is refused. The log has to show
   * both. Resolves with the caller who was refused.
   */
  readonly exercise?: () => Promise<string>
}

/** What brings data keys in or out, or lets others do so. Everything else tells of the key alone. */
const usingOperations = new Set([
  'Decrypt',
  'Encrypt',
  'GenerateDataKey',
  'GenerateDataKeyWithoutPlaintext',
  'GenerateDataKeyPair',
  'GenerateDataKeyPairWithoutPlaintext',
  'ReEncrypt',
  'CreateGrant'
])
const maxListed = 20

/**
 * E2E-05: the log of KMS, which no process of the pipeline writes, shows no use of the key by anybody but those who may, for
 * what they may and under the pairs of the pipeline. Refused calls are counted: they are policies at work.
 */
export async function proveKeyUses({ keyArn, read, mayUse, exercise }: KeyUseOptions): Promise<Proof> {
  const refusedCaller = await exercise?.()
  const { fromMs, toMs, uses: all, gap } = await read()
  const uses = all.filter(({ operation }) => usingOperations.has(operation))
  const carriedOut = uses.filter(({ error }) => error === undefined)
  const refused = uses.filter(({ error }) => error !== undefined)
  const undeclared = carriedOut.filter(use => !mayUse(use))
  const isRefusalSeen =
    refusedCaller === undefined || refused.some(({ principal }) => principal === refusedCaller)
  const [first] = undeclared
  const doubt =
    gap !== undefined
      ? `the log is not whole: ${gap}`
      : carriedOut.length === 0
        ? 'the log shows no use of the key at all'
        : isRefusalSeen
          ? undefined
          : 'the log does not show a call that was refused'
  const principals = new Set(carriedOut.map(({ principal }) => principal))
  return {
    id: ProofId.keyUses,
    result: first !== undefined ? 'failed' : doubt !== undefined ? 'void' : 'proved',
    reason:
      first !== undefined
        ? `${undeclared.length} of ${carriedOut.length} uses are not the plan's, such as ${first.operation} by ${first.principal}`
        : (doubt ?? `${carriedOut.length} uses by ${principals.size} callers are all the plan's`),
    measurements: {
      uses: carriedOut.length,
      callers: principals.size,
      undeclared: undeclared.length,
      refused: refused.length
    },
    evidence: {
      keyArn,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      uses: tally(carriedOut),
      refused: tally(refused),
      undeclared: undeclared
        .slice(0, maxListed)
        .map(({ id, principal, operation, contextNames }) => ({ id, principal, operation, contextNames }))
    }
  }
}

/** How often who did what, under pairs of which names. */
function tally(uses: readonly KeyUse[]) {
  const counts = new Map<string, { use: KeyUse; count: number }>()
  for (const use of uses) {
    const { principal, operation, contextNames, error } = use
    const key = JSON.stringify([principal, operation, contextNames, error])
    const entry = counts.get(key) ?? { use, count: 0 }
    counts.set(key, { use, count: entry.count + 1 })
  }
  return [...counts.values()].map(({ use: { principal, operation, contextNames, error }, count }) => ({
    principal,
    operation,
    contextNames,
    ...(error === undefined ? {} : { error }),
    count
  }))
}
