export { type ExpectedFinding, expectedFindings } from './expected-findings.ts'
export {
  type PipelineTemplate,
  type RulePack,
  SealstreamPipeline,
  type SealstreamPipelineProps
} from './sealstream-pipeline.ts'
