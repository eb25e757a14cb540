import { AwsError } from '../../aws-json.ts'

/** Of a bucket policy, in bytes. */
const maxPolicyBytes = 20 * 1024

/** As much of a statement as is looked at. */
export interface PolicyStatement {
  readonly Effect: 'Allow' | 'Deny'
  readonly Principal?: unknown
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/**
 * The statements of a bucket policy: JSON with the members that every statement has, about this bucket.
 * @throws {AwsError} MalformedPolicy
 */
export function policyStatements(text: string, bucket: string): readonly PolicyStatement[] {
  if (!text.startsWith('{')) throw malformed("Policies must be valid JSON and the first byte must be '{'")
  if (Buffer.byteLength(text) > maxPolicyBytes) {
    throw malformed('Policy exceeds the maximum allowed document size.')
  }
  const policy = parsed(text)
  if (policy.Statement === undefined) throw malformed('Missing required field Statement')
  if (policy.Version !== undefined && policy.Version !== '2012-10-17' && policy.Version !== '2008-10-17') {
    throw malformed('The policy must contain a valid version string')
  }
  const statements: unknown[] = [policy.Statement].flat()
  if (statements.length === 0) throw malformed('Could not parse the policy: Statement is empty!')
  for (const statement of statements) checkStatement(statement, bucket)
  return statements as PolicyStatement[]
}

function checkStatement(statement: unknown, bucket: string): void {
  if (!isRecord(statement)) throw malformed('Policy has invalid statement')
  const { Effect: effect, Condition: condition } = statement
  if (effect === undefined) throw malformed('Missing required field Effect')
  if (effect !== 'Allow' && effect !== 'Deny') throw malformed('Invalid effect')
  for (const field of ['Principal', 'Action', 'Resource']) {
    if (statement[field] === undefined && statement[`Not${field}`] === undefined) {
      throw malformed(`Missing required field ${field}`)
    }
  }
  for (const field of ['Action', 'NotAction']) {
    if (statement[field] !== undefined && !textsOf(statement[field])?.every(isActionOfS3)) {
      throw malformed('Policy has invalid action')
    }
  }
  for (const field of ['Resource', 'NotResource']) {
    if (statement[field] !== undefined && !textsOf(statement[field])?.every(one => isOfBucket(one, bucket))) {
      throw malformed('Policy has invalid resource')
    }
  }
  if (condition !== undefined && !(isRecord(condition) && Object.values(condition).every(isRecord))) {
    throw malformed('Policy has invalid condition')
  }
}

function isActionOfS3(action: string): boolean {
  return action === '*' || /^s3:[A-Za-z*?]+$/i.test(action)
}

/** The bucket, or objects in it. */
function isOfBucket(arn: string, bucket: string): boolean {
  const [, resource] = /^arn:[\w*-]+:s3:::(.+)$/.exec(arn) ?? []
  return resource === bucket || resource?.startsWith(`${bucket}/`) === true || resource === '*'
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    throw malformed('This policy contains invalid Json')
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** undefined unless it is a text or several. */
function textsOf(value: unknown): readonly string[] | undefined {
  const texts: unknown[] = [value].flat()
  return texts.length > 0 && texts.every(text => typeof text === 'string') ? (texts as string[]) : undefined
}

function malformed(message: string): AwsError {
  return new AwsError('MalformedPolicy', message)
}
