import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { createPipeline, embeddedEngine, type PipelinePlan } from '../../pipeline/index.ts'
import { launchCommand, makeCommandFolder, type Outcome, outcome } from '../helpers/command.ts'
import { aDeadLetter } from '../helpers/dead-letters.ts'
import { openLocal } from '../helpers/local.ts'

const folder = makeCommandFolder()
const plan: PipelinePlan = {
  name: 'orders',
  stream: { shards: 1 },
  destinations: [{ kind: 's3', bufferIntervalSeconds: 1 }]
}
const config = join(folder, 'plan.json')
writeFileSync(config, JSON.stringify(plan))

const sealstream = (...args: string[]): Promise<Outcome> =>
  outcome(launchCommand(folder, ['replay', '--config', config, ...args]))

/** Engines with a pipeline whose dead letters can be opened, all but one. */
async function start() {
  const local = await openLocal()
  const pipeline = createPipeline(plan, { engine: embeddedEngine(local) })
  onTestFinished(() => pipeline.close())
  await pipeline.provision()
  const sealer = pipeline.createSealer()!
  for (const id of ['a', 'b', 'c']) {
    const data = await sealer.seal(Buffer.from(JSON.stringify({ id })))
    await pipeline.deadLetters.put(
      aDeadLetter({ streamName: 'orders', sequenceNumber: id, data, errorCode: 'SEALSTREAM_UNDELIVERABLE' })
    )
  }
  sealer.close()
  await pipeline.deadLetters.put(
    aDeadLetter({ streamName: 'orders', data: Buffer.from('secret plaintext of the record') })
  )
  const engine = ['--engine', 'endpoint', '--endpoint', local.endpoint]
  const delivered = async (): Promise<string> => {
    await local.flushFirehose()
    const bodies = []
    for await (const { body } of pipeline.createObjectReader().readNew()) bodies.push(body.toString())
    return bodies.join('')
  }
  return { engine, delivered }
}

describe('sealstream replay', { timeout: 60_000 }, () => {
  it('counts first, then delivers what can be opened, and says what stays', async () => {
    const { engine, delivered } = await start()
    const survey = await sealstream(...engine, '--dry-run', '--json')
    expect(survey.json).toEqual({
      found: 4,
      byErrorCode: { SEALSTREAM_UNDELIVERABLE: 3, SEALSTREAM_AUTHENTICATION_FAILED: 1 },
      malformed: 0,
      endedBy: 'empty'
    })
    expect(survey.code).toBe(0)
    expect(await delivered()).toBe('')

    const first = await sealstream(...engine, '--limit', '1', '--json')
    expect(first.json).toMatchObject({ replayed: 1, failed: 0, endedBy: 'limit' })
    expect(first.code).toBe(0)

    const rest = await sealstream(...engine)
    expect(rest.stdout).toMatch(/replayed {2}2 \(2 user records\)\nfailed {4}1 \(still there\)/)
    expect(rest.stdout).toContain('SEALSTREAM_PLAINTEXT_REFUSED  1')
    expect(rest.stdout + rest.stderr).not.toContain('secret')
    expect(rest.code).toBe(1)
    expect((await delivered()).trimEnd().split('\n').sort()).toEqual([
      '{"id":"a"}',
      '{"id":"b"}',
      '{"id":"c"}'
    ])

    const left = await sealstream(...engine, '--dry-run')
    expect(left.stdout).toBe('dead letters  1\n  SEALSTREAM_AUTHENTICATION_FAILED  1\n')
  })

  it.each([
    [['--engine', 'embedded'], '--engine embedded: those engines end with their command'],
    [[], '--engine: expected localstack, endpoint, aws'],
    [['--engine', 'localstack'], '--engine localstack needs SEALSTREAM_ENDPOINT'],
    [['--engine', 'endpoint'], '--engine endpoint needs --endpoint URL'],
    [['--engine', 'aws', '--limit', '0'], '--limit: expected a whole number from 1 to 100000'],
    [['--engine', 'aws', '--limit', '1', '--timeout', '39601'], '--timeout: expected a whole number'],
    [['--engine', 'aws', '--config', 'missing.json'], '--config missing.json: cannot be read'],
    [['--engine', 'aws', '--input', 'x'], "Unknown option '--input'"]
  ])('refuses %j', async (args, message) => {
    const { code, stderr } = await sealstream(...args)
    expect(stderr).toContain(message)
    expect(code).toBe(2)
  })

  it('says when nobody is there, and when the queue is not', async () => {
    const nobody = await sealstream('--engine', 'endpoint', '--endpoint', 'http://127.0.0.1:1')
    expect(nobody.stderr).toContain('cannot reach http://127.0.0.1:1')
    expect(nobody.code).toBe(3)
    const local = await openLocal()
    const noQueue = await sealstream('--engine', 'endpoint', '--endpoint', local.endpoint)
    expect(noQueue.stderr).toContain('sqs GetQueueUrl failed: notFound')
    expect(noQueue.code).toBe(1)
  })
})
