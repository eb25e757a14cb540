/** A template of CloudFormation, as far as a planner makes one. */
export interface PlanTemplate {
  readonly AWSTemplateFormatVersion: '2010-09-09'
  readonly Description: string
  readonly Resources: TemplateResources
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown }>>
}

/** By logical id. */
export type TemplateResources = Readonly<Record<string, TemplateResource>>

export interface TemplateResource {
  readonly Type: string
  readonly DependsOn?: readonly string[]
  /** `Retain` where a deleted stack must not take data, or what opens it, along. */
  readonly DeletionPolicy?: 'Retain'
  readonly UpdateReplacePolicy?: 'Retain'
  readonly Properties: Readonly<Record<string, unknown>>
}

export const retained = { DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' } as const

/** What has to be there before a delivery stream is made: Firehose tries what its role may do. */
export const after = (...logicalIds: readonly string[]): { readonly DependsOn: readonly string[] } => ({
  DependsOn: logicalIds
})
