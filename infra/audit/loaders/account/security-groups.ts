import type { AuditResource } from '../../model.ts'
import { knownListAt, textAt, valueAt } from '../../readers.ts'
import { resourceArn, type TemplateScope } from '../../template/resource-names.ts'
import type { AccountReader } from './account-reader.ts'
import { resource } from './resource.ts'

/** Security groups with the rules by which they let in. */
export async function readSecurityGroups(
  reader: AccountReader,
  scope: TemplateScope,
  ids: readonly string[]
): Promise<readonly AuditResource[]> {
  if (!reader.has('ec2') || ids.length === 0) return []
  const answer = await reader.readPages(
    { service: 'ec2', operation: 'DescribeSecurityGroups', input: { GroupIds: [...new Set(ids)] } },
    '*',
    { list: 'SecurityGroups' }
  )
  return knownListAt(answer).map(group => {
    const id = textAt(group, 'GroupId') ?? ''
    const arn = resourceArn('AWS::EC2::SecurityGroup', id, scope)
    return resource('AWS::EC2::SecurityGroup', id, arn, 'ec2:DescribeSecurityGroups', {
      GroupName: valueAt(group, 'GroupName'),
      SecurityGroupIngress: knownListAt(group, 'IpPermissions').flatMap(rulesOf)
    })
  })
}

/** EC2 tells one permission for all sources of the same ports; CloudFormation has a rule for each. */
function rulesOf(permission: unknown): readonly Readonly<Record<string, unknown>>[] {
  const ports = {
    IpProtocol: valueAt(permission, 'IpProtocol'),
    FromPort: valueAt(permission, 'FromPort'),
    ToPort: valueAt(permission, 'ToPort')
  }
  const from = (list: string, member: string, name: string) =>
    knownListAt(permission, list).map(each => ({ ...ports, [name]: valueAt(each, member) }))
  return [
    ...from('IpRanges', 'CidrIp', 'CidrIp'),
    ...from('Ipv6Ranges', 'CidrIpv6', 'CidrIpv6'),
    ...from('UserIdGroupPairs', 'GroupId', 'SourceSecurityGroupId'),
    ...from('PrefixListIds', 'PrefixListId', 'SourcePrefixListId')
  ]
}
