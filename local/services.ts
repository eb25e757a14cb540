import type { Clock } from '../core/clock.ts'
import { InvalidOptionError } from '../core/errors.ts'
import type { LocalAuthorize } from './authorization.ts'
import type { LocalFault } from './faults/fault.ts'
import type { FaultRule } from './faults/fault-rule.ts'
import type { FirehoseFunctions } from './firehose/processing/transform-function.ts'
import type { FailReceiverRequest } from './receiver.ts'
import { type LocalReceiver, localReceivers, type ReceiverOptions } from './receivers.ts'
import type { FailCopy } from './redshift/copy.ts'
import type { TlsKeyPair } from './tls.ts'

export const localServices = ['kinesis', 'dynamodb', 'kms', 's3', 'sqs', 'firehose'] as const
export type LocalService = (typeof localServices)[number]

export const region = 'us-east-1'
export const accountId = '000000000000'

/** Functions for what no rule can say, each asked before every request of its service or receiver. */
export type FaultFunctions = Readonly<
  Partial<
    Record<LocalService, LocalFault> &
      Record<'search' | 'hec', FailReceiverRequest> &
      Record<'redshift', FailCopy>
  >
>

export interface LocalOptions {
  /**
   * Which engines run. S3 comes with `firehose`. A request to another one is answered with
   * ServiceNotRunningException. The package `dynalite` is needed for `dynamodb` alone. @default all
   */
  readonly services?: readonly LocalService[]
  /** Time of all engines; `'virtual'` moves by `clock.advance` of the engines alone. @default the system's */
  readonly clock?: Clock | 'virtual'
  /** S3 objects lie in `<outputFolder>/<bucket>/<key>`. @default a temporary folder that goes with `close` */
  readonly outputFolder?: string
  /**
   * Everything that the engines hold is written here before it is answered, and read from here first: it outlives the
   * process, also one that is killed (a machine that loses its power may take the last moments with it). Buckets lie
   * in its folder `s3` unless there is an `outputFolder`. One process at a time has it, readable for its user alone;
   * the material of KMS keys lies in it as it is, so whoever can read the folder can open what they seal.
   * @default memory alone
   */
  readonly stateFolder?: string
  /** Port of each service. @default any that is free */
  readonly ports?: Readonly<Partial<Record<LocalService, number>>>
  /** Port that serves all services. @default any that is free */
  readonly port?: number
  /** Address to listen on; `0.0.0.0` lets other machines in, inside a container for example. @default '127.0.0.1' */
  readonly host?: string
  /**
   * Whether every port takes TLS as well, HTTP/1.1 and HTTP/2, by ALPN or without it: with a certificate that is made for localhost,
   * the addresses of loopback and `host` and holds for a year, which takes the package `selfsigned`, or with those
   * given. `tls` of the engines has addresses, and what to trust. @default false
   */
  readonly tls?: boolean | TlsKeyPair
  /**
   * Whether each Kinesis shard keeps to the limits of AWS, with a second's worth in store, on `clock`. Puts: 1,000
   * records and 1 MiB of data and partition keys a second, entry by entry; a record larger than that passes when
   * nothing was taken for long enough, and is paid off afterwards. GetRecords: 5 calls and 2 MiB a second; an answer
   * may be larger, up to 10 MiB, and is paid off by refusing the next ones. Without it tests are not slowed down.
   * @default false
   */
  readonly throttle?: boolean
  /** How long Kinesis streams and their consumers stay CREATING, UPDATING and DELETING, in milliseconds. @default 0 */
  readonly statusDelayMs?: number
  /** How long a subscription to a Kinesis shard lives, in milliseconds. @default 300_000, as on AWS */
  readonly subscriptionLifeMs?: number
  /**
   * Bytes of data and partition keys that Kinesis keeps over all streams, and 32 for each record. Beyond it the oldest
   * records go, whatever their stream's retention period, so that a long run holds its memory.
   * @default 512 MiB
   */
  readonly maxKinesisBytes?: number
  /**
   * Scripted failures: rules as data, which `faults.script` of the engines takes at run time as well, or a function for
   * each service or receiver, which stays, and is asked before the rules.
   * @default none
   */
  readonly faults?: readonly FaultRule[] | FaultFunctions
  /** Of the chances in `faults`: the same seed meets the same requests. @default 1 */
  readonly seed?: number
  /**
   * Decides about every request to every engine, and about what services do for others; see `LocalAuthorize`. Policies
   * of resources are kept and handed to it, and not evaluated. @default everybody may do everything
   */
  readonly authorize?: LocalAuthorize
  /**
   * Cryptographic requests that KMS takes per second, over all keys and regions, before it answers
   * ThrottlingException; a second's worth is in store, on `clock`. @default no bound
   */
  readonly kmsRequestsPerSecond?: number
  /**
   * Transform functions of delivery streams, by the LambdaArn of their processor or by the name of the function: a
   * function of this process, or the address of an HTTP endpoint that takes the event. @default none
   */
  readonly firehoseFunctions?: FirehoseFunctions
  /** What Firehose can deliver to besides S3; each listens on a port of its own. @default none */
  readonly receivers?: readonly LocalReceiver[]
  /** Ports and behaviour of the receivers. */
  readonly receiverOptions?: ReceiverOptions
}

/** Those that run, in the usual order. @throws InvalidOptionError */
export function servicesOf({ services = localServices }: LocalOptions): readonly LocalService[] {
  const unknown = services.find(service => !localServices.includes(service))
  if (unknown !== undefined || services.length === 0) {
    throw new InvalidOptionError('services', `must be some of ${localServices.join(', ')}`)
  }
  return localServices.filter(
    service => services.includes(service) || (service === 's3' && services.includes('firehose'))
  )
}

/** @throws InvalidOptionError */
export function receiversOf({ receivers = [] }: LocalOptions): readonly LocalReceiver[] {
  if (receivers.every(receiver => localReceivers.includes(receiver))) return receivers
  throw new InvalidOptionError('receivers', `must be some of ${localReceivers.join(', ')}`)
}

/** The given rules and functions apart. */
export function faultsOf({ faults = [] }: LocalOptions): {
  readonly rules: readonly FaultRule[]
  readonly functions: FaultFunctions
} {
  return isFunctions(faults) ? { rules: [], functions: faults } : { rules: faults, functions: {} }
}

function isFunctions(faults: readonly FaultRule[] | FaultFunctions): faults is FaultFunctions {
  return !Array.isArray(faults)
}
