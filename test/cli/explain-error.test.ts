import { describe, expect, it } from 'vitest'
import { UsageError } from '../../cli/exit-code.ts'
import { explainError } from '../../cli/explain-error.ts'
import { InvalidOptionError } from '../../core/errors.ts'
import { ServiceError } from '../../core/service-errors.ts'

const where = 'http://127.0.0.1:9'

describe('explainError', () => {
  it.each([
    ['HTTP/1.1', Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })],
    [
      'HTTP/2',
      new Error('HTTP/2 stream is abnormally aborted. Caused by Error: connect ECONNREFUSED 127.0.0.1:9')
    ]
  ])('names the endpoint and what to check when the connection is refused under %s', (_, cause) => {
    expect(explainError(new ServiceError('kinesis', 'ListShards', cause), where)).toEqual({
      exitCode: 3,
      message: expect.stringContaining(`cannot reach ${where}: check`)
    })
  })

  it('finds the refusal inside the cause of an error of ours', () => {
    const cause = new ServiceError(
      'kms',
      'GenerateDataKey',
      Object.assign(new Error(''), { code: 'ECONNREFUSED' })
    )
    expect(explainError(new Error('put failed', { cause }), where).exitCode).toBe(3)
  })

  it('says what to check when access is denied', () => {
    const cause = Object.assign(new Error('x'), {
      name: 'AccessDeniedException',
      $metadata: { httpStatusCode: 400 }
    })
    expect(explainError(new ServiceError('s3', 'HeadBucket', cause), where)).toMatchObject({
      exitCode: 3,
      message: expect.stringContaining('check credentials')
    })
  })

  it('keeps usage errors as they are, and everything else as a failure', () => {
    expect(explainError(new UsageError('--input is missing'), where)).toEqual({
      exitCode: 2,
      message: '--input is missing'
    })
    expect(explainError(new InvalidOptionError('name', 'unknown'), where).exitCode).toBe(2)
    expect(explainError(new Error('boom'), where)).toEqual({ exitCode: 1, message: 'boom' })
  })
})
