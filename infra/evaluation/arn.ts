/**
 *   arn         = "arn" ":" partition ":" service ":" region ":" account ":" resource
 *   resource    = everything after the fifth colon, further colons included
 *
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference-arns.html
 */
export const arnComponents = 6

/** The six components of an ARN, or of a pattern of one; undefined when there are fewer. */
export function splitArn(text: string): readonly string[] | undefined {
  const parts = text.split(':')
  if (parts.length < arnComponents) return undefined
  return [...parts.slice(0, arnComponents - 1), parts.slice(arnComponents - 1).join(':')]
}

/** The account an ARN names; undefined where it has none (a bucket) or is no ARN. */
export function accountOfArn(arn: string): string | undefined {
  return splitArn(arn)?.[4] || undefined
}

/** The account that a principal such as `arn:aws:iam::123456789012:root` or `123456789012` stands for. */
export function accountOfPrincipal(principal: string): string | undefined {
  if (/^\d{12}$/.test(principal)) return principal
  const [, , service, , account, resource] = splitArn(principal) ?? []
  return service === 'iam' && resource === 'root' ? account : undefined
}
