import { createHash } from 'node:crypto'
import type { ResolvedFunction, ResolvedPlan } from '../../pipeline/plan.ts'
import { attributeOf, refTo } from '../placeholders.ts'
import { idPart, keyArn, readerRoleId, roleArn, transformRoleId } from '../plan-arns.ts'
import { hasVariables } from '../plan-services.ts'
import { after, type TemplateResource, type TemplateResources } from '../template.ts'
import { rolePolicyId } from './iam.ts'
import { functionLogGroupId } from './logs.ts'

/** The functions of the plan, each with its version and the aliases that readers name. */
export function functionResources(plan: ResolvedPlan): TemplateResources {
  return Object.assign({}, ...plan.services.functions.map(each => functionAndAliases(plan, each)))
}

export const functionId = (name: string): string => `${idPart(name)}Function`
export const aliasId = (name: string, alias: string): string => `${idPart(name)}Alias${idPart(alias)}`

function functionAndAliases(plan: ResolvedPlan, made: ResolvedFunction): TemplateResources {
  const { name, aliases } = made
  const versionId = `${idPart(name)}Version${digestOf(made)}`
  return {
    [functionId(name)]: lambdaFunction(plan, made),
    [versionId]: {
      Type: 'AWS::Lambda::Version',
      // One that an alias has left may still be wanted back.
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: { FunctionName: refTo(functionId(name)) }
    },
    ...Object.fromEntries(
      aliases.map(alias => [
        aliasId(name, alias),
        {
          Type: 'AWS::Lambda::Alias',
          Properties: {
            FunctionName: refTo(functionId(name)),
            FunctionVersion: attributeOf(versionId, 'Version'),
            Name: alias
          }
        }
      ])
    )
  }
}

function lambdaFunction(plan: ResolvedPlan, made: ResolvedFunction): TemplateResource {
  const { name, code, use, variables } = made
  const roleId = use === 'transform' ? transformRoleId(name) : readerRoleId(name)
  const { network } = plan
  return {
    Type: 'AWS::Lambda::Function',
    ...after(rolePolicyId(roleId), functionLogGroupId(name)),
    Properties: {
      FunctionName: name,
      Role: roleArn(roleId),
      Runtime: made.runtime,
      Handler: made.handler,
      Code: { S3Bucket: code.bucket, S3Key: code.key, S3ObjectVersion: code.version },
      MemorySize: made.memoryMiB,
      Timeout: made.timeoutSeconds,
      ReservedConcurrentExecutions: made.concurrency,
      ...(hasVariables(made)
        ? { Environment: { Variables: variables }, KmsKeyArn: keyArn(plan, 'state') }
        : {}),
      ...(network === undefined
        ? {}
        : { VpcConfig: { SubnetIds: network.subnetIds, SecurityGroupIds: network.securityGroupIds } })
    }
  }
}

/** A version never changes: what is altered has to be another one, and so another resource. */
function digestOf({ aliases: _, ...settings }: ResolvedFunction): string {
  return createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 12)
}
