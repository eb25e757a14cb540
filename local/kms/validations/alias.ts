import { AwsError } from '../../aws-json.ts'

/** https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateAlias.html */
const aliasName = /^alias\/[a-zA-Z0-9/_-]{1,250}$/

/** `AliasName` of the input, which may be given away. @throws AwsError InvalidAliasNameException */
export function aliasNameOf({ AliasName: name }: Readonly<Record<string, unknown>>): string {
  if (typeof name === 'string' && aliasName.test(name) && !name.startsWith('alias/aws/')) return name
  throw new AwsError('InvalidAliasNameException', `Invalid alias name ${String(name)}`)
}
