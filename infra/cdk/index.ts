export { type ExpectedFinding, expectedFindings } from './expected-findings.ts'
export {
  type PipelineKeys,
  type PipelineRoles,
  type RulePack,
  SealstreamPipeline,
  type SealstreamPipelineProps
} from './sealstream-pipeline.ts'
