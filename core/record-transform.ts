/**
 * The port through which a payload is sealed and opened. `crypto/` implements it; producer and consumer
 * know nothing else of encryption, so a user without encryption never loads it.
 */

/** Plain names and values that are bound to a sealed message and travel in its header, readable by everyone. */
export type EncryptionContext = Readonly<Record<string, string>>

/** Names of the context pairs that sealstream itself writes and checks. Crypto, infra and policies share them. */
export const ContextName = {
  pipeline: 'pipeline',
  stream: 'stream',
  queue: 'queue',
  schema: 'schema',
  tenant: 'tenant'
} as const

/** What carries the sealed messages. A message that is bound to the one is refused by readers of any other. */
export type Carrier =
  /** Name of the stream; bound to every message as the pair `stream`. */
  | { readonly streamName: string; readonly queueName?: never }
  /** Name of the queue; bound to every message as the pair `queue`. */
  | { readonly queueName: string; readonly streamName?: never }

export type SealerOptions = Carrier & {
  /** Further pairs that are the same for every record of the carrier. Nothing that varies per record. */
  readonly context?: EncryptionContext
}

export type OpenerOptions = SealerOptions & {
  /**
   * Pairs that the writer bound to its messages without storing them in the header, as other implementations
   * can. A message that holds one of them all the same must hold this value.
   */
  readonly unstoredContext?: EncryptionContext
}

/** Counters of the data keys of one sealer or opener, since it was made. */
export interface KeyStats {
  /** Payloads whose data key was at hand. */
  readonly hits: number
  /** Payloads that had to wait for one. */
  readonly misses: number
  /** Calls to the key service. */
  readonly serviceCalls: number
  /** Milliseconds that having data keys made or unwrapped took, all together; some run beside each other. */
  readonly serviceMs: number
  /** Data keys that are held now. */
  readonly open: number
}

/** Of a producer or worker that does not seal. */
export const noKeyStats: KeyStats = { hits: 0, misses: 0, serviceCalls: 0, serviceMs: 0, open: 0 }

/** Of two sealers or openers together. */
export function addKeyStats(a: KeyStats, b: KeyStats): KeyStats {
  return {
    hits: a.hits + b.hits,
    misses: a.misses + b.misses,
    serviceCalls: a.serviceCalls + b.serviceCalls,
    serviceMs: a.serviceMs + b.serviceMs,
    open: a.open + b.open
  }
}

export interface RecordSealer {
  /**
   * Seals one payload. Returns bytes when a data key is at hand, which is nearly always, and a promise only
   * when one must be had first.
   * Rejects with `KeyUnavailableError` when the key cannot be had at the moment.
   */
  seal(plaintext: Uint8Array, tenant?: string): Uint8Array | Promise<Uint8Array>
  /**
   * Bytes that sealing adds to a payload of this size: an upper bound, and exact for an unsigned suite once a
   * data key was had.
   */
  overheadBytes(plaintextBytes: number, tenant?: string): number
  readonly keyStats: KeyStats
  /** Wipes the data keys that are held. */
  close(): void
}

export interface RecordOpener {
  /** Whether the leading bytes say that this is a sealed message. Reads no further; verifies nothing. */
  isSealed(data: Uint8Array): boolean
  /**
   * Opens one sealed message. Returns bytes when the data key is at hand, a promise otherwise.
   * Throws or rejects with `RecordFaultError` when the message is not one that may be opened, and with
   * `KeyUnavailableError` when its key cannot be had at the moment.
   */
  open(message: Uint8Array): Uint8Array | Promise<Uint8Array>
  readonly keyStats: KeyStats
  close(): void
}

/** What `seal: { keyring }` and `open: { keyring }` take. */
export interface SealingKeyring {
  /** Whether every record belongs to a tenant with a key of its own: then `seal` must be told which. */
  readonly isPerTenant?: boolean
  createSealer(options: SealerOptions): RecordSealer
  createOpener(options: OpenerOptions): RecordOpener
}

/**
 * Where sealing takes place.
 * `aggregate`: user records are aggregated first and the aggregate is sealed; smallest and fastest.
 * `record`: every user record is sealed by itself and then aggregated, for readers that de-aggregate before
 * they decrypt, such as a Java KCL.
 */
export const SealMode = { aggregate: 'aggregate', record: 'record' } as const
export type SealMode = (typeof SealMode)[keyof typeof SealMode]
