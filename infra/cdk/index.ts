export {
  type PipelineTemplate,
  SealstreamPipeline,
  type SealstreamPipelineProps
} from './sealstream-pipeline.ts'
