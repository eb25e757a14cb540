import { randomUUID } from 'node:crypto'
import { expect } from 'vitest'

export interface DeployedStack {
  readonly status: string
  /** By logical id. */
  readonly physicalIds: ReadonlyMap<string, string>
  readonly outputs: Readonly<Record<string, string>>
}

/** Deploys a template as a stack of a new name, and waits until it is decided. */
export async function deployStack(endpoint: string, template: object): Promise<DeployedStack> {
  const StackName = `stack-${randomUUID().slice(0, 8)}`
  await cloudFormation(endpoint, {
    Action: 'CreateStack',
    StackName,
    TemplateBody: JSON.stringify(template),
    'Capabilities.member.1': 'CAPABILITY_NAMED_IAM'
  })
  const describeStack = () => cloudFormation(endpoint, { Action: 'DescribeStacks', StackName })
  const statusOf = async () => membersOf(await describeStack(), 'StackStatus')[0]
  await expect.poll(statusOf, { timeout: 60_000, interval: 250 }).not.toMatch(/IN_PROGRESS$/)
  const resources = await cloudFormation(endpoint, { Action: 'DescribeStackResources', StackName })
  const ids = membersOf(resources, 'PhysicalResourceId')
  const description = await describeStack()
  const values = membersOf(description, 'OutputValue')
  return {
    status: (await statusOf()) ?? '',
    physicalIds: new Map(membersOf(resources, 'LogicalResourceId').map((id, at) => [id, ids[at] ?? ''])),
    outputs: Object.fromEntries(membersOf(description, 'OutputKey').map((key, at) => [key, values[at] ?? '']))
  }
}

/** Calls an action of CloudFormation, whose client is no dependency of ours. */
async function cloudFormation(endpoint: string, parameters: Record<string, string>): Promise<string> {
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: {
      authorization: 'AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/cloudformation/aws4_request'
    },
    body: new URLSearchParams({ Version: '2010-05-15', ...parameters })
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(text)
  return text
}

function membersOf(xml: string, name: string): string[] {
  return [...xml.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, value]) => value!)
}
