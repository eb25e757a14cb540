import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { auditCommand } from '../../cli/commands/audit.ts'
import { catalogue } from '../../infra/audit/catalogue.ts'
import { createPipeline, embeddedEngine } from '../../pipeline/index.ts'
import { launchCommand, makeCommandFolder, type Outcome, outcome } from '../helpers/command.ts'
import { openLocal } from '../helpers/local.ts'

const folder = makeCommandFolder()
const write = (name: string, content: unknown): void =>
  writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content))

const key = (properties: object) => ({
  Resources: { Key: { Type: 'AWS::KMS::Key', Properties: properties } }
})
write('open.json', key({}))
write(
  'short.yaml',
  `Parameters:
  Period: {Type: Number}
Conditions:
  IsLong: !Not [!Equals [!Ref Period, 0]]
Resources:
  Key: &key
    Type: AWS::KMS::Key
    Properties:
      EnableKeyRotation: true
      RotationPeriodInDays: !If [IsLong, !Ref Period, !Ref AWS::NoValue]
      Description: !Sub
        - '\${Of}-\${AWS::Region}'
        - {Of: !Join ['', [a, !Select [1, !Split [',', 'b,c']]]]}
  Other: *key
`
)

function auditOf(args: readonly string[], input = '', env: Record<string, string> = {}): Promise<Outcome> {
  const child = launchCommand(folder, ['audit', ...args], env)
  child.stdin!.end(input)
  return outcome(child)
}

interface JsonReport {
  controls: { id: string; status: string; findings: Record<string, unknown>[] }[]
  unresolved: { location: string; reason: string }[]
  baseline: { expired: unknown[]; unused: unknown[] }
}

async function reportOf(
  args: readonly string[],
  input?: string
): Promise<JsonReport & { code: number | null }> {
  const { stdout, code } = await auditOf([...args, '--json'], input)
  return { ...(JSON.parse(stdout) as JsonReport), code }
}

const statusOf = ({ controls }: JsonReport, id: string) => controls.find(control => control.id === id)?.status

describe('sealstream audit', { timeout: 60_000 }, () => {
  it('tells what a template leaves open, and says so in its exit code', async () => {
    const { stdout, stderr, code } = await auditOf(['--template', 'open.json'])
    expect(stdout).toMatch(/^HIGH KMS-02 .*\n {2}Resources\.Key: .*\n {2}fix: /m)
    expect(stdout).toMatch(/\n\d+ controls: \d+ failed, /)
    expect(stderr).toBe('')
    expect(code).toBe(4)
  })

  it('counts findings from the severity on that is asked for', async () => {
    const rotating = JSON.stringify({
      Resources: { Table: { Type: 'AWS::IAM::AccessKey', Properties: { UserName: 'u' } } }
    })
    const from = async (severity: string) =>
      (await auditOf(['--template', '-', '--fail-on', severity], rotating)).code
    expect(await from('high')).toBe(0)
    expect(await from('medium')).toBe(4)
  })

  it('reads JSON from standard input, and YAML with short names of functions, anchors and parameters', async () => {
    const fromInput = await reportOf(['--template', '-'], JSON.stringify(key({ EnableKeyRotation: true })))
    expect(statusOf(fromInput, 'KMS-02')).toBe('pass')
    const given = (period: string) =>
      reportOf(['--template', 'short.yaml', '--parameter', `Period=${period}`])
    expect(statusOf(await given('90'), 'KMS-02')).toBe('pass')
    expect(statusOf(await given('0'), 'KMS-02')).toBe('pass')
    expect(statusOf(await given('400'), 'KMS-02')).toBe('fail')
    const untold = await reportOf(['--template', 'short.yaml'])
    expect(statusOf(untold, 'KMS-02')).toBe('error')
    expect(untold.unresolved).toContainEqual({
      location: 'Resources.Key.Properties.RotationPeriodInDays',
      reason: 'condition IsLong cannot be told'
    })
    expect(untold.code).toBe(4)
  })

  it('takes accepted findings from a baseline, and tells of entries that are spent', async () => {
    write('all.json', {
      accepted: [
        ...(await reportOf(['--template', 'open.json'])).controls.map(({ id }) => ({
          control: id,
          resource: '*',
          reason: 'a key of tests',
          expires: '9999-12-31'
        })),
        { control: 'KMS-02', resource: 'Key', reason: 'forgotten', expires: '2020-01-01' },
        { control: 'KMS-02', resource: 'Gone', reason: 'deleted', expires: '9999-12-31' }
      ]
    })
    const report = await reportOf(['--template', 'open.json', '--baseline', 'all.json', '--fail-on', 'low'])
    expect(report.code).toBe(0)
    expect(report.baseline.expired).toHaveLength(1)
    expect(report.baseline.unused).toContainEqual(expect.objectContaining({ resource: 'Gone' }))
    const { stdout } = await auditOf(['--template', 'open.json', '--baseline', 'all.json'])
    expect(stdout).toContain('KMS-02 Resources.Key: a key of tests (until 9999-12-31)')
  })

  it('writes SARIF with the file and the line of a resource', async () => {
    mkdirSync(join(folder, 'deep'), { recursive: true })
    write('deep/template.json', JSON.stringify(key({}), undefined, 2))
    const { stdout } = await auditOf(['--template', join(folder, 'deep/template.json'), '--sarif'])
    const { version, runs } = JSON.parse(stdout) as {
      version: string
      runs: { results: { ruleId: string; locations: unknown }[] }[]
    }
    expect(version).toBe('2.1.0')
    expect(runs[0]!.results.find(({ ruleId }) => ruleId === 'KMS-02')!.locations).toEqual([
      {
        physicalLocation: { artifactLocation: { uri: 'deep/template.json' }, region: { startLine: 3 } },
        logicalLocations: [{ fullyQualifiedName: 'Resources.Key' }]
      }
    ])
  })

  it('explains a control, and lists all of them', async () => {
    const explained = await auditOf(['--explain', 'kms-02'])
    expect(explained.stdout).toMatch(/^KMS-02 \(high, decided by resources and policies\)\n/)
    expect(explained.stdout).toContain('Known as: Security Hub KMS.4; CIS 3.0 3.6;')
    expect(explained.code).toBe(0)
    const listed = await auditOf(['--list'])
    expect(
      listed.stdout.split('\n').filter(line => /^(KMS|IAM|NET|E2E)-\d\d +\w+ +\w/.test(line))
    ).toHaveLength(23)
  })

  it('lists all controls for programs, with their kinds', async () => {
    const { stdout } = await auditOf(['--list', '--json'])
    const listed = JSON.parse(stdout) as { id: string; kind: string; sources: object }[]
    expect(listed.map(({ id }) => id)).toEqual(catalogue.map(({ id }) => id))
    expect(listed.find(({ id }) => id === 'E2E-01')).toMatchObject({
      severity: 'critical',
      kind: 'proof',
      sources: { statements: [13, 14] }
    })
  })

  it('takes what people attest until its day has passed', async () => {
    const stream = JSON.stringify({ Resources: { Stream: { Type: 'AWS::Kinesis::Stream' } } })
    const attestedUntil = (expires: string) => {
      const entry = { control: 'KDS-03', resource: 'Stream', statement: 'ran the proof', by: 'me', expires }
      write('attested.json', { attested: [entry] })
      return auditOf(['--template', '-', '--baseline', 'attested.json'], stream)
    }
    const { stdout } = await attestedUntil('9999-12-31')
    expect(stdout).toContain('KDS-03 Resources.Stream: ran the proof (me, until 9999-12-31)')
    expect(stdout).not.toMatch(/CRITICAL KDS-03/)
    const after = (await attestedUntil('2020-01-01')).stdout
    expect(after).toMatch(/^CRITICAL KDS-03 .*\n {2}Resources\.Stream: .*; attested until 2020-01-01 alone$/m)
    expect(after).toContain('Expired in the baseline\n  KDS-03 Stream (2020-01-01)\n')
  })

  it('leaves out what passed unless asked for it', async () => {
    const input = JSON.stringify(key({ EnableKeyRotation: true }))
    expect((await auditOf(['--template', '-'], input)).stdout).not.toContain('Passed\n')
    expect((await auditOf(['--template', '-', '--verbose'], input)).stdout).toMatch(
      /\nPassed\n( {2}.*\n)* {2}KMS-02 Resources\.Key: rotates/
    )
  })

  it('names the package that reads YAML where it is missing', async () => {
    const hook =
      'export async function resolve(s, c, n) { if (s === "yaml") throw new Error(s); return n(s, c) }'
    const register = `import { register } from "node:module"; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(hook)}`)})`
    const { stderr, code } = await auditOf(['--template', 'short.yaml'], '', {
      NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(register)}`
    })
    expect(stderr).toContain('sealstream: a template in YAML needs the package yaml: npm i -D yaml\n')
    expect(code).toBe(2)
  })

  it('ends with the code of bad input', async () => {
    const { stdout, stderr, code } = await auditOf(['--template', '-'], '{')
    expect(stderr).toBe('sealstream: --template -: is neither JSON nor YAML\n')
    expect(stdout).toBe('')
    expect(code).toBe(2)
  })

  it.each([
    ['{', 'is neither JSON nor YAML'],
    ['a: [', 'is no YAML (BAD_INDENT at line 1)'],
    ['a: &a [*a]', 'is nested too deep'],
    ['just text', 'option template: expected an object'],
    ['{}', 'option template.Resources: is missing'],
    ['{"Resources": {"A": {}}}', 'option template.Resources.A.Type']
  ])('refuses the template %j: %s', async (text, message) => {
    write('refused', text)
    await expect(auditCommand(['--template', join(folder, 'refused')])).rejects.toThrow(message)
  })

  it.each([
    [[], 'expected exactly one of --template, --live and --local'],
    [['--template', 'nowhere.json'], '--template nowhere.json: cannot be read (ENOENT)'],
    [['--template', 'x', '--fail-on', 'some'], '--fail-on'],
    [['--template', 'x', '--json', '--sarif'], '--json and --sarif: expected one of them'],
    [['--template', 'x', '--account', '12'], '--account: expected 12 digits'],
    [['--template', join(folder, 'open.json'), '--parameter', 'x'], '--parameter: expected NAME=VALUE'],
    [['--template', 'x', '--baseline', 'nowhere'], '--baseline nowhere: cannot be read (ENOENT)'],
    [['--template', 'x', '--baseline', join(folder, 'short.yaml')], 'short.yaml: is not JSON'],
    [
      ['--template', 'x', '--baseline', join(folder, 'open.json')],
      'option baseline.accepted: expected a list'
    ],
    [['--template', 'x', '--config', 'x.json'], '--config goes with --live and --local'],
    [['--live'], '--live needs --config'],
    [['--live', '--local'], 'expected exactly one of --template, --live and --local'],
    [['--template', 'x', '--endpoint', 'http://localhost'], '--endpoint goes with --local'],
    [['--template', 'open.json', '--region', 'nowhere'], '--region: expected the name of a region'],
    [['--live', '--config', 'x.json', '--region', 'eu-west-1'], '--region goes with --template'],
    [['--local', '--parameter', 'A=b'], '--parameter goes with --template'],
    [['--live', '--config', 'x.json', '--endpoint', 'http://localhost'], '--endpoint goes with --local'],
    [['--local', '--config', 'nowhere.json'], '--config nowhere.json: cannot be read'],
    [['--local', '--endpoint', 'localhost'], '--endpoint: expected an http or https address'],
    [['--explain', 'XYZ-01'], '--explain XYZ-01: no such control'],
    [['--what'], 'Unknown option']
  ])('refuses %j: %s', async (args, message) => {
    await expect(auditCommand(args)).rejects.toThrow(message)
  })
})

describe('sealstream audit of what is there', { timeout: 60_000 }, () => {
  it('holds embedded engines, as a plan makes them, against the controls', async () => {
    write('plan.json', { name: 'orders' })
    const report = await reportOf(['--local', '--config', 'plan.json'])
    expect(statusOf(report, 'KMS-01')).toBe('pass')
    expect(statusOf(report, 'KMS-02')).toBe('fail')
    expect(statusOf(report, 'E2E-01')).toBe('manual')
    expect(statusOf(report, 'IAM-01')).toBe('notApplicable')
    expect(report.code).toBe(4)
  })

  it('reads the engines at AWS_ENDPOINT_URL', async () => {
    const local = await openLocal()
    const pipeline = createPipeline({ name: 'parcels' }, { engine: embeddedEngine(local) })
    onTestFinished(() => pipeline.close())
    await pipeline.provision()
    write('parcels.json', { name: 'parcels' })
    const env = { AWS_ENDPOINT_URL: local.endpoint }
    const { stdout, code } = await auditOf(['--local', '--config', 'parcels.json', '--json'], '', env)
    const report = JSON.parse(stdout) as JsonReport
    expect(report.controls.find(({ id }) => id === 'E2E-01')?.findings[0]?.resource).toBe('parcels')
    expect(code).toBe(4)
  })

  it('says when nothing of the plan is there', async () => {
    const local = await openLocal()
    write('other.json', { name: 'nowhere' })
    const { stdout, stderr, code } = await auditOf([
      '--local',
      '--config',
      'other.json',
      '--endpoint',
      local.endpoint
    ])
    expect(stderr).toContain('sealstream: nothing of nowhere could be read\n')
    expect(stderr).toContain('kinesis:DescribeStreamSummary on nowhere: ResourceNotFoundException')
    expect(stdout).toBe('')
    expect(code).toBe(3)
  })

  it('says when nobody is at the address', async () => {
    const { stderr, code } = await auditOf(['--local', '--endpoint', 'http://127.0.0.1:9'])
    expect(stderr).toContain('sealstream: cannot reach http://127.0.0.1:9: ')
    expect(code).toBe(3)
  })

  it('names the clients that reading an account needs', async () => {
    write('plan.json', { name: 'orders' })
    const { stderr, code } = await auditOf(['--live', '--config', 'plan.json'])
    expect(stderr).toMatch(
      /^sealstream: to read an account, some clients are missing: npm i -D @aws-sdk\/client-iam /
    )
    expect(code).toBe(2)
  })

  it('names those of what the plan delivers to as well', async () => {
    const domainArn = 'arn:aws:es:eu-west-1:111122223333:domain/orders'
    write('search.json', { name: 'orders', destinations: [{ kind: 'opensearch', domainArn }] })
    const { stderr, code } = await auditOf(['--live', '--config', 'search.json'])
    expect(stderr).toMatch(/ @aws-sdk\/client-opensearch\n$/)
    expect(stderr).not.toContain('client-redshift')
    expect(code).toBe(2)
  })
})
