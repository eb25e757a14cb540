import { randomUUID } from 'node:crypto'
import { DecryptCommand, type DecryptCommandInput, KMSClient } from '@aws-sdk/client-kms'
import { systemClock } from '../../core/clock.ts'
import { isSealstreamError, KeyUnavailableError } from '../../core/errors.ts'
import { ContextName, type EncryptionContext, type SealingKeyring } from '../../core/record-transform.ts'
import { serviceErrorName } from '../../core/service-errors.ts'
import { type KmsClient, kmsKeyring } from '../../crypto/index.ts'
import { createPipeline } from '../create-pipeline.ts'
import { clientConfigOf, type Engine } from '../engine.ts'
import { definePipeline } from '../plan.ts'
import { sealingContextOf } from '../sealing-context.ts'
import { putAndCapture, sealedMessagesOf } from './captured-record.ts'
import {
  keyringOf,
  mayMakeResources,
  notApplicable,
  type Proof,
  ProofId,
  type ProofSubject,
  tenantsReason
} from './proof.ts'

/** What became of an attempt: it was opened, or the code of the error that refused it. */
type Outcome = string
const opened = 'opened'

/** KMS says that the ciphertext is bound to other pairs, or its policies that these pairs are nobody's. */
const kmsRefusals = ['InvalidCiphertextException', 'AccessDeniedException']

/**
 * E2E-03: a captured message opens as what it is, and as nothing else: not for another stream or pipeline, not with any
 * pair altered, missing or added, and not with its header rewritten to fit; and neither does KMS unwrap its data key under
 * altered pairs.
 */
export async function proveBoundContext(subject: ProofSubject): Promise<Proof> {
  const { engine, clock = systemClock, signal } = subject
  const id = ProofId.boundContext
  const plan = definePipeline(subject.plan)
  if (plan.sealing.mode === 'off') return notApplicable(id, 'nothing is sealed')
  if (plan.sealing.tenants.length > 0) return notApplicable(id, tenantsReason)
  const keyring = keyringOf(subject, plan)
  const pipeline = createPipeline(subject.plan, { engine, clock, keyring })
  try {
    if (mayMakeResources(subject)) await pipeline.provision(signal)
    const record = await putAndCapture(
      pipeline,
      'proof',
      Buffer.from(JSON.stringify({ proof: randomUUID() }))
    )
    const streamName = plan.stream.name
    const context = sealingContextOf(plan)
    const named = keyring.createOpener({ streamName, context })
    const message = sealedMessagesOf(record, named)?.[0]
    named.close()
    const evidence = {
      stream: streamName,
      shardId: record.shardId,
      sequenceNumber: record.sequenceNumber
    }
    if (message === undefined) {
      return {
        id,
        result: 'failed',
        reason: 'the stored record is no sealed message',
        measurements: {},
        evidence
      }
    }
    const pairs: EncryptionContext = { ...context, [ContextName.stream]: streamName }
    const control = await open(keyring, pairs, message)
    const replays: Record<string, Outcome> = {}
    for (const [name, altered] of Object.entries(alterations(pairs))) {
      replays[name] = await open(keyring, altered, message)
    }
    for (const name of Object.keys(pairs)) {
      const altered = { ...pairs, [name]: otherThan(pairs[name]!) }
      const forged = rewritten(message, name, pairs[name]!, altered[name]!)
      if (forged !== undefined) replays[`${name}: header rewritten`] = await open(keyring, altered, forged)
    }
    const unwrapped = await unwrapAltered(engine, plan.sealing.keyId, pairs, message)
    const openedReplays = Object.keys(replays).filter(name => replays[name] === opened)
    const openedKeys = Object.keys(unwrapped.altered).filter(name => unwrapped.altered[name] === opened)
    const unclear = [
      ...Object.values(replays).filter(outcome => outcome === keyUnavailable),
      ...Object.values(unwrapped.altered).filter(
        outcome => outcome !== opened && !kmsRefusals.includes(outcome)
      )
    ]
    const failures = [...openedReplays, ...openedKeys.map(name => `KMS Decrypt, ${name}`)]
    const isControlled = control === opened && unwrapped.unaltered === opened
    return {
      id,
      result: failures.length > 0 ? 'failed' : !isControlled || unclear.length > 0 ? 'void' : 'proved',
      reason:
        failures.length > 0
          ? `opened all the same: ${failures.join('; ')}`
          : !isControlled
            ? 'the unaltered message does not open either'
            : unclear.length > 0
              ? `refused for another reason: ${unclear[0]}`
              : `${Object.keys(replays).length} replays and ${Object.keys(unwrapped.altered).length} altered calls were refused`,
      measurements: {
        replays: Object.keys(replays).length,
        kmsCalls: Object.keys(unwrapped.altered).length,
        opened: failures.length
      },
      evidence: {
        ...evidence,
        contextNames: Object.keys(pairs),
        control: { message: control, kmsDecrypt: unwrapped.unaltered },
        replays,
        kmsDecrypt: unwrapped.altered
      }
    }
  } finally {
    pipeline.close()
  }
}

const keyUnavailable = 'key unavailable'

/** By what is altered: the pairs that an opener asks for. */
function alterations(pairs: EncryptionContext): Readonly<Record<string, EncryptionContext>> {
  return {
    ...Object.fromEntries(
      Object.keys(pairs).map(name => [
        `${name}: another value`,
        { ...pairs, [name]: otherThan(pairs[name]!) }
      ])
    ),
    'a pair more': { ...pairs, [`${ContextName.schema}-proof`]: 'proof' }
  }
}

async function open(
  keyring: SealingKeyring,
  { [ContextName.stream]: streamName = '', ...context }: EncryptionContext,
  message: Uint8Array
): Promise<Outcome> {
  // One of its own each time: an unwrapped data key at hand must not help.
  const opener = keyring.createOpener({ streamName, context })
  try {
    await opener.open(message)
    return opened
  } catch (error) {
    if (error instanceof KeyUnavailableError) return keyUnavailable
    if (isSealstreamError(error)) return error.code
    throw error
  } finally {
    opener.close()
  }
}

/** Another value of the same length, so that it can stand in its place. */
function otherThan(value: string): string {
  const last = value.at(-1) === 'x' ? 'y' : 'x'
  return `${value.slice(0, -1)}${last}`
}

/**
 * The message with another value of a pair in its header, as somebody would write it who has no key. Undefined where
 * the pair does not stand there as it is.
 */
function rewritten(message: Uint8Array, name: string, value: string, other: string): Uint8Array | undefined {
  const [from, to] = [encodedPair(name, value), encodedPair(name, other)]
  const forged = Buffer.from(message)
  const at = forged.indexOf(from)
  if (at < 0 || from.length !== to.length) return undefined
  to.copy(forged, at)
  return forged
}

/** As the message format has it: name and value, each behind its length in 16 bits. */
function encodedPair(...texts: readonly string[]): Buffer {
  return Buffer.concat(
    texts.flatMap(text => {
      const bytes = Buffer.from(text)
      const length = Buffer.alloc(2)
      length.writeUInt16BE(bytes.length)
      return [length, bytes]
    })
  )
}

/** Has KMS unwrap the message's data key as an opener does, and then under altered pairs. */
async function unwrapAltered(
  engine: Engine,
  keyId: string,
  pairs: EncryptionContext,
  message: Uint8Array
): Promise<{ readonly unaltered: Outcome; readonly altered: Record<string, Outcome> }> {
  const kms = new KMSClient(clientConfigOf(engine, 'kms'))
  const seen: DecryptCommandInput[] = []
  const send = (command: { readonly input: object }, ...rest: unknown[]): unknown => {
    if (command instanceof DecryptCommand) seen.push(command.input)
    return (kms.send as (...given: unknown[]) => unknown).call(kms, command, ...rest)
  }
  const decrypt = async (EncryptionContext: Record<string, string>): Promise<Outcome> => {
    try {
      await kms.send(new DecryptCommand({ ...seen[0]!, EncryptionContext }))
      return opened
    } catch (error) {
      return serviceErrorName(error)
    }
  }
  try {
    await open(kmsKeyring({ keyId, client: { send } as KmsClient }), pairs, message)
    if (seen.length === 0) return { unaltered: 'no call', altered: {} }
    // With what the suite adds of itself.
    const whole: EncryptionContext = seen[0]!.EncryptionContext ?? pairs
    const altered: Record<string, Outcome> = {}
    const cases = {
      ...alterations(whole),
      ...Object.fromEntries(
        Object.keys(whole).map(name => {
          const { [name]: _, ...others } = whole
          return [`${name}: left out`, others]
        })
      ),
      'no pairs': {}
    }
    for (const [name, context] of Object.entries(cases)) altered[name] = await decrypt({ ...context })
    return { unaltered: await decrypt({ ...whole }), altered }
  } finally {
    kms.destroy()
  }
}
