import { noProcessing, type ProcessingSettings, type TransformSettings } from '../processing/settings.ts'
import { invalid, type Shape } from './shape.ts'

const processorTypes = [
  'RecordDeAggregation',
  'Decompression',
  'CloudWatchLogProcessing',
  'Lambda',
  'MetadataExtraction',
  'AppendDelimiterToRecord'
] as const
type ProcessorType = (typeof processorTypes)[number]

const parameterNames = [
  'LambdaArn',
  'NumberOfRetries',
  'MetadataExtractionQuery',
  'JsonParsingEngine',
  'RoleArn',
  'BufferSizeInMBs',
  'BufferIntervalInSeconds',
  'SubRecordType',
  'Delimiter',
  'CompressionFormat',
  'DataMessageExtraction'
] as const

type Parameters = ReadonlyMap<(typeof parameterNames)[number], string>

export interface ProcessingRules {
  /** A newline behind each record is for S3. */
  readonly mayAppendDelimiter: boolean
  /** Of the buffer of a transform function, in MiB, when it names none. */
  readonly transformBufferMiB: number
}

/** The ProcessingConfiguration of a destination; processors that are not switched on are checked for their shape alone. */
export function parseProcessing(shape: Shape, rules: ProcessingRules): ProcessingSettings {
  const configuration = shape.child('ProcessingConfiguration')
  const processors = processorsOf(configuration)
  if (configuration.members.Enabled !== true) return noProcessing
  for (const type of processors.keys()) {
    if (['Decompression', 'CloudWatchLogProcessing', 'MetadataExtraction'].includes(type)) {
      throw invalid(`processor ${type} is not implemented by the local engine`)
    }
  }
  const delimiter = processors.get('AppendDelimiterToRecord')
  if (delimiter !== undefined) {
    if (!rules.mayAppendDelimiter) {
      throw invalid('Processor AppendDelimiterToRecord is only supported for an S3 destination.')
    }
    // Templates give the two characters as well.
    if (!['\n', '\\n'].includes(delimiter.get('Delimiter') ?? '\n')) {
      throw invalid('a Delimiter other than a newline is not implemented by the local engine')
    }
  }
  const deAggregation = processors.get('RecordDeAggregation')
  const lambda = processors.get('Lambda')
  return {
    deAggregation: deAggregation === undefined ? undefined : parseDeAggregation(deAggregation),
    transform: lambda === undefined ? undefined : parseTransform(lambda, rules.transformBufferMiB)
  }
}

function processorsOf(configuration: Shape): ReadonlyMap<ProcessorType, Parameters> {
  const found = new Map<ProcessorType, Parameters>()
  for (const processor of configuration.list('Processors')) {
    const type = processor.oneOf('Type', processorTypes)
    if (found.has(type)) throw invalid(`Processor ${type} is specified more than once.`)
    found.set(type, parametersOf(processor))
  }
  return found
}

function parametersOf(processor: Shape): Parameters {
  return new Map(
    processor.list('Parameters').map(parameter => {
      const name = parameter.oneOf('ParameterName', parameterNames)
      return [name, parameter.required('ParameterValue', { max: 5120 })]
    })
  )
}

function parseDeAggregation(parameters: Parameters): ProcessingSettings['deAggregation'] {
  const subRecords = parameters.get('SubRecordType')
  if (subRecords === 'JSON') return { subRecords }
  if (subRecords !== 'DELIMITED') throw invalid('SubRecordType must be JSON or DELIMITED.')
  const text = parameters.get('Delimiter') ?? ''
  const delimiter = Buffer.from(text, 'base64')
  if (delimiter.length === 0 || delimiter.toString('base64') !== text) {
    throw invalid('Delimiter must be given in base64 for SubRecordType DELIMITED.')
  }
  return { subRecords, delimiter }
}

const functionArn = /^arn:[^:]+:lambda:[^:]+:\d{12}:function:[\w-]+(:[\w$-]+)?$/

function parseTransform(parameters: Parameters, usualMiB: number): TransformSettings {
  const lambdaArn = parameters.get('LambdaArn') ?? ''
  if (!functionArn.test(lambdaArn)) throw invalid('LambdaArn must be the ARN of a Lambda function.')
  const number = (name: 'NumberOfRetries' | 'BufferSizeInMBs' | 'BufferIntervalInSeconds', limits: Limits) =>
    numberOf(parameters.get(name), name, limits)
  return {
    lambdaArn,
    retries: number('NumberOfRetries', { min: 0, max: 300, usual: 3 }),
    bufferSizeMiB: number('BufferSizeInMBs', { min: 0.2, max: 3, usual: usualMiB }),
    bufferIntervalSeconds: number('BufferIntervalInSeconds', { min: 0, max: 900, usual: 60 })
  }
}

interface Limits {
  readonly min: number
  readonly max: number
  readonly usual: number
}

function numberOf(text: string | undefined, name: string, { min, max, usual }: Limits): number {
  if (text === undefined) return usual
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN
  if (value >= min && value <= max) return value
  throw invalid(`${name} must be a number from ${min} to ${max}.`)
}
