import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { launchCommand, makeCommandFolder, type Outcome, outcome } from '../helpers/command.ts'

const folder = makeCommandFolder()
const flights = fileURLToPath(new URL('../../examples/flights/sealstream.config.ts', import.meta.url))
const run = (verb: string, ...args: readonly string[]): Promise<Outcome> =>
  outcome(launchCommand(folder, [verb, ...args]))

writeFileSync(join(folder, 'orders.json'), JSON.stringify({ name: 'orders' }))
writeFileSync(
  join(folder, 'tenants.json'),
  JSON.stringify({ name: 'orders', sealing: { tenants: { a1: 'made', b2: 'made' } } })
)
const destinations = Array.from({ length: 16 }, (_, index) => ({
  kind: 's3',
  deliveryStreamName: `orders-${index}`
}))
writeFileSync(join(folder, 'large.json'), JSON.stringify({ name: 'orders', destinations }))

describe('sealstream plan', { timeout: 60_000 }, () => {
  it('prints the template of the flights', async () => {
    const { stdout, stderr, code } = await run('plan', '--config', flights)
    expect(code).toBe(0)
    expect(stderr).toBe('')
    const { AWSTemplateFormatVersion, Resources, Outputs } = JSON.parse(stdout)
    expect(AWSTemplateFormatVersion).toBe('2010-09-09')
    expect(Resources.Stream.Properties).toMatchObject({ Name: 'flights', RetentionPeriodHours: 168 })
    expect(Outputs.EnvelopeKeyArn.Value).toEqual({ 'Fn::GetAtt': ['EnvelopeKey', 'Arn'] })
  })

  it('prints a template that passes every control it is subject to', async () => {
    const { stdout } = await run('plan', '--config', flights)
    writeFileSync(join(folder, 'flights.json'), stdout)
    const audited = await run('audit', '--template', 'flights.json', '--json', '--fail-on', 'low')
    const { counts, worstSeverity } = JSON.parse(audited.stdout)
    expect({ counts, worstSeverity }).toMatchObject({ counts: { fail: 0, error: 0 }, worstSeverity: null })
    expect(counts.pass).toBeGreaterThan(40)
    expect(audited.code).toBe(0)
  })

  it('prints what the planner makes, byte for byte', async () => {
    const { stdout } = await run('plan', '--config', 'orders.json')
    expect(stdout).toBe(
      readFileSync(new URL('../infra/templates/planned/default.json', import.meta.url), 'utf8')
    )
  })

  it('prints one line, and the smaller profile, and names where it is told them', async () => {
    const where = ['--account', '111122223333', '--region', 'cn-north-1']
    const { stdout } = await run(
      'plan',
      '--config',
      'orders.json',
      '--compact',
      '--profile',
      'core',
      ...where
    )
    expect(stdout.trimEnd()).not.toContain('\n')
    expect(Buffer.byteLength(stdout)).toBeLessThan(51_200)
    expect(stdout).toContain('arn:aws-cn:kinesis:cn-north-1:111122223333:stream/orders')
    expect(stdout).not.toMatch(/AWS::(AccountId|Region|Partition)/)
  })

  it('says when a template is too large for a request', async () => {
    const { stderr, code } = await run('plan', '--config', 'large.json')
    expect(code).toBe(0)
    expect(stderr).toMatch(/^sealstream: [\d,]+ bytes even as one line: .* takes 51,200 in a request\n$/)
  })

  it.each([
    [['--profile', 'small'], '--profile: expected core, full, found small'],
    [['--account', '12'], '--account: expected 12 digits'],
    [['--region', 'Ireland'], '--region: expected the name of a region'],
    [['--partition', 'gcp'], '--partition: expected the name of a partition'],
    [['--config', 'missing.json'], '--config missing.json: cannot be read']
  ])('refuses %j', async (args, message) => {
    const { stdout, stderr, code } = await run('plan', ...args)
    expect(stderr).toContain(message)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })
})

describe('sealstream iam', { timeout: 60_000 }, () => {
  it('prints the policy of a role, with placeholders for what it is not told', async () => {
    const { stdout, code } = await run('iam', '--role', 'producer', '--config', 'orders.json')
    expect(code).toBe(0)
    const [write, wrap] = JSON.parse(stdout).Statement
    const placeholder = (name: string): string => `\${${name}}`
    expect(write.Resource).toBe(
      `arn:${placeholder('AWS::Partition')}:kinesis:${placeholder('AWS::Region')}:${placeholder('AWS::AccountId')}:stream/orders`
    )
    expect(wrap.Resource).toBe(placeholder('EnvelopeKey.Arn'))
  })

  it('fills in account, region and partition', async () => {
    const where = ['--account', '111122223333', '--region', 'eu-west-1', '--partition', 'aws']
    const { stdout } = await run('iam', '--role', 'consumer', '--config', 'orders.json', ...where)
    expect(JSON.parse(stdout).Statement[0].Resource).toBe(
      'arn:aws:kinesis:eu-west-1:111122223333:stream/orders'
    )
  })

  it('prints the policy of a key, and of one of several', async () => {
    const { stdout } = await run('iam', '--key', 'envelope', '--name', 'b2', '--config', 'tenants.json')
    expect(JSON.stringify(JSON.parse(stdout))).toContain('"kms:EncryptionContext:tenant":"b2"')
  })

  it.each([
    [[], 'expected exactly one of --role and --key'],
    [['--role', 'producer', '--key', 'state'], 'expected exactly one of --role and --key'],
    [['--role', 'admin'], '--role: expected producer, consumer, replayer'],
    [['--key', 'wrapping'], '--key: expected envelope, stream, sink, state'],
    [['--role', 'transform'], '--role transform: the plan has none'],
    [['--key', 'envelope', '--config', 'tenants.json'], '--key envelope: expected --name a1 or b2'],
    [['--role', 'producer', '--name', 'other'], '--role producer: expected --name producer']
  ])('refuses %j', async (args, message) => {
    const { stdout, stderr, code } = await run('iam', ...args)
    expect(stderr).toContain(message)
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })
})
