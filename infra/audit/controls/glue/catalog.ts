import type { AuditModel } from '../../model.ts'

/** Whether anything of Glue is here: the catalog is one of the account, and nobody's business where nothing is. */
export function hasGlue(model: AuditModel): boolean {
  return model.resources.some(({ type }) => type.startsWith('AWS::Glue::'))
}

/** The catalog has the number of its account. */
export function catalogArn({ partition, region, accountId }: AuditModel): string {
  return `arn:${partition}:glue:${region}:${accountId}:catalog`
}
