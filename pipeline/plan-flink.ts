import { checkBoolean, checkInteger, checkOneOf, checkString } from '../core/check-option.ts'
import { InvalidOptionError } from '../core/errors.ts'
import { checkStoredCode, type PlanStoredCode, section } from './plan-checks.ts'
import { checkBucketName, checkStreamName } from './plan-names.ts'
import type { ServiceSurroundings } from './plan-services.ts'

const runtimes = ['FLINK-1_20', 'FLINK-2_2', 'FLINK-2_3'] as const

/**
 * An application of Managed Service for Apache Flink that reads the stream, in the network of the plan. Needs `network` and
 * `roles.deployerArn`.
 */
export interface PlanFlink {
  /** 1 to 128 letters, digits and `_.-`. @default `<name>-flink` */
  readonly name?: string
  /** A ZIP or JAR. */
  readonly code: PlanStoredCode
  /** @default 'FLINK-2_3' */
  readonly runtime?: (typeof runtimes)[number]
  /** Range 1 to 64. @default 1 */
  readonly parallelism?: number
  readonly output: PlanFlinkOutput
  /** An object of reference data, in a bucket that is there. @default none */
  readonly reference?: { readonly bucket: string; readonly key: string } | undefined
  /**
   * Whether it may open the records. Not with a stream as its output, which would then hold what was opened, nor with
   * `sealing.mode: 'aggregate'`, which its connector cannot read.
   * @default false
   */
  readonly opens?: boolean
}

/** A second stream, which the template makes under the key of the services; or a delivery stream of the destinations. */
export type PlanFlinkOutput =
  | {
      readonly streamName: string
      /** Range 1 to 10_000. @default 1 */
      readonly shards?: number
    }
  | { readonly deliveryStreamName: string }

export interface ResolvedFlink extends Required<Omit<PlanFlink, 'output' | 'reference'>> {
  readonly output:
    | { readonly kind: 'stream'; readonly name: string; readonly shards: number }
    | { readonly kind: 'firehose'; readonly name: string }
  readonly reference: { readonly bucket: string; readonly key: string } | undefined
}

const path = 'services.flink'

/** @throws InvalidOptionError, also for an application that would write what it has opened to a stream */
export function resolveFlink(value: PlanFlink, around: ServiceSurroundings): ResolvedFlink {
  const flink = section(path, value, [
    'name',
    'code',
    'runtime',
    'parallelism',
    'output',
    'reference',
    'opens'
  ])
  if (around.network === undefined) throw new InvalidOptionError(path, 'needs network, in which it runs')
  const output = resolveOutput(flink.output, around)
  const opens = checkBoolean(`${path}.opens`, flink.opens ?? false)
  if (opens) checkOpening(output, around.sealMode)
  return {
    name: checkStreamName(`${path}.name`, flink.name ?? `${around.name}-flink`),
    code: checkStoredCode(`${path}.code`, flink.code),
    runtime: checkOneOf(`${path}.runtime`, flink.runtime ?? 'FLINK-2_3', runtimes),
    parallelism: checkInteger(`${path}.parallelism`, flink.parallelism ?? 1, 1, 64),
    output,
    reference: flink.reference === undefined ? undefined : resolveReference(flink.reference),
    opens
  }
}

function checkOpening({ kind }: ResolvedFlink['output'], sealMode: ServiceSurroundings['sealMode']): void {
  const option = `${path}.opens`
  if (kind === 'stream') {
    throw new InvalidOptionError(
      option,
      'does not go with output.streamName: opened records would rest in that stream'
    )
  }
  if (sealMode !== 'record') {
    throw new InvalidOptionError(option, `needs sealing.mode 'record', found '${sealMode}'`)
  }
}

function resolveOutput(
  value: PlanFlinkOutput | undefined,
  { streamName, destinations }: ServiceSurroundings
): ResolvedFlink['output'] {
  const output: Readonly<Partial<Record<string, unknown>>> = {
    ...section(
      `${path}.output`,
      value as object | undefined,
      ['streamName', 'shards', 'deliveryStreamName'] as never[]
    )
  }
  if ((output.streamName === undefined) === (output.deliveryStreamName === undefined)) {
    throw new InvalidOptionError(
      `${path}.output`,
      'expected exactly one of streamName and deliveryStreamName'
    )
  }
  if (output.streamName !== undefined) {
    const name = checkStreamName(`${path}.output.streamName`, output.streamName)
    if (name === streamName) {
      throw new InvalidOptionError(
        `${path}.output.streamName`,
        'is the stream that it reads: expected another'
      )
    }
    return {
      kind: 'stream',
      name,
      shards: checkInteger(`${path}.output.shards`, output.shards ?? 1, 1, 10_000)
    }
  }
  if (output.shards !== undefined) {
    throw new InvalidOptionError(`${path}.output.shards`, 'goes with streamName alone')
  }
  const name = checkString(`${path}.output.deliveryStreamName`, output.deliveryStreamName)
  if (destinations.some(({ deliveryStreamName }) => deliveryStreamName === name))
    return { kind: 'firehose', name }
  throw new InvalidOptionError(`${path}.output.deliveryStreamName`, 'expected that of a destination')
}

function resolveReference(value: NonNullable<PlanFlink['reference']>): ResolvedFlink['reference'] {
  const reference = section(`${path}.reference`, value, ['bucket', 'key'])
  return {
    bucket: checkBucketName(`${path}.reference.bucket`, reference.bucket),
    key: checkString(`${path}.reference.key`, reference.key)
  }
}
