import { createHash } from 'node:crypto'
import type { EvidenceValue, Proof } from './proof.ts'

export interface EvidenceOptions {
  readonly toolVersion: string
  /** Name of the plan. */
  readonly plan: string
  /** As it was chosen, such as `embedded`. */
  readonly engine: string
  /** Milliseconds since 1970. */
  readonly startedMs: number
  readonly finishedMs: number
  readonly proofs: readonly Proof[]
}

/** What was proved, where and when, for whoever was not there. Holds no payload, no key and no context value. */
export interface Evidence {
  readonly tool: 'sealstream'
  readonly toolVersion: string
  readonly plan: string
  readonly engine: string
  /** ISO 8601, in UTC. */
  readonly started: string
  readonly finished: string
  readonly proofs: readonly Proof[]
  /** Of the canonical JSON of everything else, in hex: see `canonicalJson`. It shows a change, and is no signature. */
  readonly sha256: string
}

export function evidenceOf({ startedMs, finishedMs, ...said }: EvidenceOptions): Evidence {
  const evidence = {
    tool: 'sealstream' as const,
    ...said,
    started: new Date(startedMs).toISOString(),
    finished: new Date(finishedMs).toISOString()
  }
  return { ...evidence, sha256: digestOf(evidence) }
}

/** Whether the digest is that of the rest. */
export function isIntact({ sha256, ...said }: Evidence): boolean {
  return digestOf(said) === sha256
}

function digestOf(said: Omit<Evidence, 'sha256'>): string {
  return createHash('sha256')
    .update(canonicalJson(said as unknown as EvidenceValue))
    .digest('hex')
}

/** JSON without white space, the members of every object in the order of their UTF-16 code units (as in RFC 8785). */
export function canonicalJson(value: EvidenceValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  const object = value as { readonly [name: string]: EvidenceValue }
  const members = Object.keys(object)
    .toSorted()
    .map(name => `${JSON.stringify(name)}:${canonicalJson(object[name]!)}`)
  return `{${members.join(',')}}`
}
