import { AwsError } from '../../aws-json.ts'

/** A policy document: a JSON object. What its statements say is not checked. */
export function validatePolicy(policy: unknown): string {
  if (typeof policy === 'string' && isObject(policy)) return policy
  throw new AwsError('InvalidArgumentException', 'Policy is not a valid JSON document.')
}

function isObject(text: string): boolean {
  try {
    const parsed: unknown = JSON.parse(text)
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
  } catch {
    return false
  }
}
