import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { deAggregate } from '../../../local/firehose/processing/de-aggregate.ts'
import { roleAndBucket, startFirehose } from '../../helpers/delivery-streams.ts'

const json = (text: string): readonly string[] =>
  deAggregate(Buffer.from(text), { subRecords: 'JSON' }).map(String)
const delimited = (text: string, delimiter: string): readonly string[] =>
  deAggregate(Buffer.from(text), { subRecords: 'DELIMITED', delimiter: Buffer.from(delimiter) }).map(String)

describe('de-aggregation of JSON', () => {
  it('takes apart objects that stand back to back or on lines of their own', () => {
    expect(json('{"a":1}{"b":{"c":2}}\n{"d":3} \r\n\t{}\n')).toEqual([
      '{"a":1}',
      '{"b":{"c":2}}',
      '{"d":3}',
      '{}'
    ])
  })

  it('sees no braces in text', () => {
    expect(json('{"a":"}{"}{"b":"\\"}{"}{"c\\\\":"{"}')).toEqual([
      '{"a":"}{"}',
      '{"b":"\\"}{"}',
      '{"c\\\\":"{"}'
    ])
  })

  it.each(['', ' ', '[{"a":1},{"b":2}]', '{"a":1},{"b":2}', '{"a":1}{"b":', '{"a":1}}', 'text', '1'])(
    'passes %j on whole',
    text => {
      expect(json(text)).toEqual([text])
    }
  )

  it('gives back any objects, whatever separates them', () => {
    const object = fc.dictionary(fc.string({ unit: 'binary' }), fc.jsonValue(), { maxKeys: 5 })
    fc.assert(
      fc.property(
        fc.array(object, { minLength: 1 }),
        fc.constantFrom('', '\n', ' \r\n'),
        (objects, between) => {
          const texts = objects.map(value => JSON.stringify(value))
          expect(json(texts.join(between))).toEqual(texts)
        }
      )
    )
  })
})

describe('de-aggregation by a delimiter', () => {
  it('splits, and keeps neither delimiters nor what is empty', () => {
    expect(delimited('a####b####', '####')).toEqual(['a', 'b'])
    expect(delimited('####a########b', '####')).toEqual(['a', 'b'])
    expect(delimited('no delimiter', '####')).toEqual(['no delimiter'])
    expect(delimited('####', '####')).toEqual(['####'])
  })

  it('splits 500 sub-records, and passes 501 on whole', () => {
    const lines = (count: number): string =>
      Array.from({ length: count }, (_, index) => `${index}`).join('\n')
    expect(delimited(lines(500), '\n')).toHaveLength(500)
    expect(delimited(lines(501), '\n')).toEqual([lines(501)])
  })
})

describe('processors of a delivery stream', () => {
  const hecEndpoint = 'http://splunk.test'

  const processing = (...processors: object[]) => ({
    ProcessingConfiguration: { Enabled: true, Processors: processors as never }
  })
  const parameters = (values: Readonly<Record<string, string>>) => ({
    Parameters: Object.entries(values).map(([ParameterName, ParameterValue]) => ({
      ParameterName,
      ParameterValue
    }))
  })
  const splitting = { Type: 'RecordDeAggregation', ...parameters({ SubRecordType: 'JSON' }) }
  const lambdaArn = 'arn:aws:lambda:us-east-1:000000000000:function:f'

  it('takes records apart before a newline is put behind each, and not those of the backup', async () => {
    const { create, put, objects } = await startFirehose()
    await create({
      ExtendedS3DestinationConfiguration: {
        ...roleAndBucket,
        Prefix: 'out/',
        ...processing(splitting, { Type: 'AppendDelimiterToRecord', ...parameters({ Delimiter: '\\n' }) }),
        S3BackupMode: 'Enabled',
        S3BackupConfiguration: { ...roleAndBucket, Prefix: 'source/' }
      }
    })
    await put('{"a":1}{"b":2}', 'whole')
    const [out, source] = await objects()
    expect(out).toMatchObject({ key: expect.stringMatching(/^out\//), text: '{"a":1}\n{"b":2}\nwhole\n' })
    expect(source).toMatchObject({ key: expect.stringMatching(/^source\//), text: '{"a":1}{"b":2}whole' })
  })

  it('are there for an index as well, where each sub-record is a document', async () => {
    const { create, put, local } = await startFirehose({ receivers: ['search'] })
    await create({
      AmazonopensearchserviceDestinationConfiguration: {
        RoleARN: roleAndBucket.RoleARN,
        ClusterEndpoint: local.search!.url,
        IndexName: 'i',
        IndexRotationPeriod: 'NoRotation',
        S3Configuration: roleAndBucket,
        ...processing(splitting)
      }
    })
    await put('{"a":1}\n{"a":2}')
    await local.flushFirehose()
    expect(local.search!.documents('i').map(({ source }) => source)).toEqual([{ a: 1 }, { a: 2 }])
  })

  it('are described as they were given, and do nothing unless they are switched on', async () => {
    const { create, put, objects, destination } = await startFirehose()
    const ProcessingConfiguration = { Enabled: false, Processors: [splitting] as never }
    await create({ ExtendedS3DestinationConfiguration: { ...roleAndBucket, ProcessingConfiguration } })
    await put('{"a":1}\n{"b":2}')
    expect((await objects())[0]!.text).toBe('{"a":1}\n{"b":2}')
    const found = await destination()
    expect(found.ExtendedS3DestinationDescription).toMatchObject({ ProcessingConfiguration })
    expect(found.S3DestinationDescription).not.toHaveProperty('ProcessingConfiguration')
  })

  it.each([
    [{ Type: 'Nothing' }, 'ValidationException', 'processors.1.member.type'],
    [
      { Type: 'Lambda', Parameters: [{ ParameterName: 'Arn', ParameterValue: 'x' }] },
      'ValidationException',
      'processors.1.member.parameters.1.member.parameterName'
    ],
    [
      { Type: 'Lambda', ...parameters({ LambdaArn: 'x'.repeat(5121) }) },
      'ValidationException',
      'parameters.1.member.parameterValue'
    ],
    [{ Type: 'MetadataExtraction' }, 'InvalidArgumentException', 'MetadataExtraction'],
    [{ Type: 'Decompression' }, 'InvalidArgumentException', 'Decompression'],
    [{ Type: 'RecordDeAggregation' }, 'InvalidArgumentException', 'SubRecordType'],
    [
      { Type: 'RecordDeAggregation', ...parameters({ SubRecordType: 'DELIMITED', Delimiter: '#' }) },
      'InvalidArgumentException',
      'base64'
    ],
    [
      { Type: 'AppendDelimiterToRecord', ...parameters({ Delimiter: '|' }) },
      'InvalidArgumentException',
      'Delimiter'
    ],
    [{ Type: 'Lambda' }, 'InvalidArgumentException', 'LambdaArn'],
    [
      { Type: 'Lambda', ...parameters({ LambdaArn: lambdaArn, BufferSizeInMBs: '0.1' }) },
      'InvalidArgumentException',
      'BufferSizeInMBs'
    ],
    [
      { Type: 'Lambda', ...parameters({ LambdaArn: lambdaArn, BufferSizeInMBs: '3.1' }) },
      'InvalidArgumentException',
      'BufferSizeInMBs'
    ],
    [
      { Type: 'Lambda', ...parameters({ LambdaArn: lambdaArn, BufferIntervalInSeconds: '901' }) },
      'InvalidArgumentException',
      'BufferIntervalInSeconds'
    ]
  ])('refuse %j', async (processor, name, text) => {
    const { create } = await startFirehose()
    const created = create({
      ExtendedS3DestinationConfiguration: { ...roleAndBucket, ...processing(processor) }
    })
    await expect(created).rejects.toMatchObject({ name, message: expect.stringContaining(text) })
  })

  it('append no newlines for destinations other than S3', async () => {
    const { create } = await startFirehose()
    const created = create({
      SplunkDestinationConfiguration: {
        HECEndpoint: hecEndpoint,
        HECEndpointType: 'Raw',
        HECToken: 'token',
        S3Configuration: roleAndBucket,
        ...processing({ Type: 'AppendDelimiterToRecord' })
      }
    })
    await expect(created).rejects.toMatchObject({
      name: 'InvalidArgumentException',
      message: expect.stringContaining('AppendDelimiterToRecord')
    })
  })
})
