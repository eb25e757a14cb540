import { type AuditResource, unknownValue } from '../../model.ts'
import { knownListAt, nameIn, textAt, valueAt } from '../../readers.ts'
import type { AccountReader } from './account-reader.ts'
import { resource } from './resource.ts'

/** A role with all of its policies as its own, wherever they are kept, and the policy that is its boundary. */
export async function readRole(reader: AccountReader, name: string): Promise<readonly AuditResource[]> {
  const read = (operation: string, input: object = {}) =>
    reader.read({ service: 'iam', operation, input: { RoleName: name, ...input } }, name)
  const readAll = (operation: string, list: string) =>
    reader.readPages({ service: 'iam', operation, input: { RoleName: name } }, name, {
      list,
      next: 'Marker',
      token: 'Marker'
    })
  const role = valueAt(await read('GetRole'), 'Role')
  const arn = textAt(role, 'Arn')
  if (arn === undefined) return []
  const policies: unknown[] = []
  const inline = await readAll('ListRolePolicies', 'PolicyNames')
  for (const policyName of knownListAt(inline)) {
    const answer = await read('GetRolePolicy', { PolicyName: policyName })
    policies.push({ PolicyName: policyName, PolicyDocument: valueAt(answer, 'PolicyDocument') })
  }
  const attached = await readAll('ListAttachedRolePolicies', 'AttachedPolicies')
  for (const policy of knownListAt(attached)) {
    policies.push({
      PolicyName: valueAt(policy, 'PolicyName'),
      PolicyDocument: await managed(reader, name, textAt(policy, 'PolicyArn'))
    })
  }
  // What could not be listed is a policy that cannot be told.
  for (const [list, listName] of [
    [inline, 'inline policies'],
    [attached, 'attached policies']
  ] as const) {
    if (list === unknownValue) policies.push({ PolicyName: listName, PolicyDocument: unknownValue })
  }
  const boundary = textAt(role, 'PermissionsBoundary', 'PermissionsBoundaryArn')
  return [
    resource('AWS::IAM::Role', name, arn, 'iam:GetRole', {
      RoleName: name,
      AssumeRolePolicyDocument: valueAt(role, 'AssumeRolePolicyDocument'),
      Policies: policies,
      PermissionsBoundary: boundary
    }),
    ...(boundary === undefined
      ? []
      : [
          resource('AWS::IAM::ManagedPolicy', nameIn(boundary), boundary, 'iam:GetPolicyVersion', {
            PolicyDocument: await managed(reader, name, boundary)
          })
        ])
  ]
}

async function managed(reader: AccountReader, role: string, arn: string | undefined): Promise<unknown> {
  const described = await reader.read(
    { service: 'iam', operation: 'GetPolicy', input: { PolicyArn: arn } },
    role
  )
  const versionId = textAt(described, 'Policy', 'DefaultVersionId')
  if (versionId === undefined) return unknownValue
  const version = await reader.read(
    { service: 'iam', operation: 'GetPolicyVersion', input: { PolicyArn: arn, VersionId: versionId } },
    role
  )
  return valueAt(version, 'PolicyVersion', 'Document') ?? unknownValue
}
