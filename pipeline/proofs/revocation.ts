import { systemClock } from '../../core/clock.ts'
import { definePipeline } from '../plan.ts'
import { type KeySwitch, keySwitch } from './key-switch.ts'
import {
  holdsWithin,
  mayMakeResources,
  notApplicable,
  type Proof,
  ProofId,
  type ProofSubject,
  tenantsReason
} from './proof.ts'
import { RevocationTraffic } from './revocation-traffic.ts'

export interface RevocationOptions {
  /** Age of the worker's data-key cache, in milliseconds. Range 1_000 to 3_600_000. @default 2_000 */
  readonly cacheMaxAgeMs?: number
  /**
   * Longest time that a change of a key takes until every part of KMS knows it, and a worker to meet it, in milliseconds.
   * AWS says that it may be several minutes (https://docs.aws.amazon.com/kms/latest/developerguide/accessing-kms.html#programming-eventual-consistency).
   * @default 300_000 on AWS, 5_000 elsewhere, where nothing propagates
   */
  readonly propagationMs?: number
  /** Whether the key may be disabled on AWS, too: whoever uses it has to do without it meanwhile. @default false */
  readonly allowKeyChanges?: boolean
}

/** Longest waits, in milliseconds. */
const firstRecordTimeoutMs = 60_000
const recoveryTimeoutMs = 120_000
const furtherRefusalTimeoutMs = 30_000
/** Between two records while the refusal is waited for. */
const putIntervalMs = 50
/** Records that are put while the key is known to be refused. */
const heldRecords = 5
/** Calls to KMS without a record handed on in between, after which a refusal is one for good. */
const refusalsInARow = 3

const deadLetteredReason = 'records were dead-lettered for want of the key'

/**
 * E2E-02: a key that is disabled stops opening within the age of the data-key cache and the time that KMS takes to hear of
 * it. Until it is enabled again nothing is handed on or dead-lettered, and the checkpoint stays; then everything comes.
 * The key is enabled again in any case.
 */
export async function proveRevocation(
  subject: ProofSubject,
  options: RevocationOptions = {}
): Promise<Proof> {
  const { engine, clock = systemClock, signal } = subject
  const id = ProofId.revocation
  const isOwn = mayMakeResources(subject)
  const { cacheMaxAgeMs = 2_000, propagationMs = isOwn ? 5_000 : 300_000 } = options
  const plan = definePipeline(subject.plan)
  if (plan.sealing.mode === 'off') return notApplicable(id, 'nothing is sealed')
  if (plan.sealing.tenants.length > 0) return notApplicable(id, tenantsReason)
  if (!isOwn && options.allowKeyChanges !== true) {
    return notApplicable(id, 'the key is left alone on AWS, unless changes of it are allowed')
  }
  const within = (ms: number, holds: () => boolean | Promise<boolean>): Promise<boolean> =>
    holdsWithin(ms, clock, holds, signal)
  const boundMs = cacheMaxAgeMs + propagationMs
  const measurements: Record<string, number> = { cacheMaxAgeMs, propagationMs, boundMs }
  const traffic = await RevocationTraffic.start(subject, cacheMaxAgeMs)
  const tell = (result: Proof['result'], reason: string): Proof => ({
    id,
    result,
    reason,
    measurements: { ...measurements, ...traffic.counts },
    evidence: traffic.evidence
  })
  let key: KeySwitch | undefined
  let isRevoked = false
  try {
    key = await keySwitch(engine, plan.sealing.keyId)
    if (!(await key.isEnabled())) return tell('void', 'the key is not enabled to begin with')
    await traffic.put()
    const begins = await within(firstRecordTimeoutMs, () => traffic.handedOn === traffic.sent)
    if (!begins) return tell('void', 'nothing was handed on while the key was enabled')

    isRevoked = true
    await key.disable()
    const revokedMs = clock.now()
    const first = traffic.sent
    const isRefused = await within(boundMs, async () => {
      // Something to open, or nobody would ask for the key.
      await traffic.put()
      await clock.sleep(putIntervalMs, signal)
      return traffic.refusals > 0 || traffic.counts.deadLettered > 0
    })
    if (traffic.counts.deadLettered > 0) return tell('failed', deadLetteredReason)
    if (!isRefused) {
      return traffic.handedOnFrom(first) > 0
        ? tell('failed', 'records were still opened when the time was up')
        : tell('void', 'the worker neither opened nor refused what was put')
    }
    measurements.refusedAfterMs = Math.round(clock.now() - revokedMs)
    for (let index = 0; index < heldRecords; index += 1) await traffic.put()
    // One part of KMS may have heard of it, and another not: what counts is when the last record was opened.
    let { keyCalls, handedOn } = traffic
    const isHolding = await within(boundMs + furtherRefusalTimeoutMs, async () => {
      if (traffic.handedOn > handedOn) ({ keyCalls, handedOn } = traffic)
      if (traffic.handedOn === traffic.sent) await traffic.put()
      return traffic.keyCalls - keyCalls >= refusalsInARow || traffic.lastHandedOnMs - revokedMs > boundMs
    })
    measurements.lastHandedOnAfterMs = Math.max(0, Math.round(traffic.lastHandedOnMs - revokedMs))
    const checkpoint = await traffic.checkpoint()
    const isPassed = traffic.isBeyondHandedOn(checkpoint)
    measurements.heldBack = traffic.sent - traffic.handedOn
    if (measurements.lastHandedOnAfterMs > boundMs) {
      return tell('failed', 'records were still opened when the time was up')
    }
    if (traffic.counts.deadLettered > 0) return tell('failed', deadLetteredReason)
    if (isPassed) return tell('failed', 'the checkpoint passed records that were not handed on')
    if (!isHolding) return tell('void', 'the worker did not ask for the key again')

    await key.enable()
    isRevoked = false
    const enabledMs = clock.now()
    const isWhole = await within(recoveryTimeoutMs, () => traffic.handedOn === traffic.sent)
    measurements.recoveredAfterMs = Math.round(clock.now() - enabledMs)
    measurements.lost = traffic.sent - traffic.handedOn
    if (!isWhole) return tell('failed', `${measurements.lost} records did not come after the key was back`)
    if (traffic.counts.deadLettered > 0) return tell('failed', deadLetteredReason)
    return tell('proved', `refused after ${measurements.refusedAfterMs} ms, everything delivered afterwards`)
  } finally {
    try {
      if (isRevoked) await key?.enable()
    } finally {
      key?.close()
      await traffic.close()
    }
  }
}
