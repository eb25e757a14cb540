export type {
  AccessDecision,
  AccessGrant,
  AccessPolicies,
  AccessPrincipal,
  AccessRequest,
  NamedPolicy
} from './access.ts'
export {
  type AuditFinding,
  type AuditReport,
  audit,
  type ControlResult,
  hasFindingsFrom,
  severities
} from './audit/audit.ts'
export {
  type AcceptedFinding,
  applyBaseline,
  type Baseline,
  type BaselineOutcome,
  checkBaseline
} from './audit/baseline.ts'
export { catalogue, findControl } from './audit/catalogue.ts'
export type {
  Control,
  ControlKind,
  ControlSources,
  ControlStatus,
  Finding,
  Severity
} from './audit/control.ts'
export type {
  AccountCall,
  AccountService,
  ReadAccount
} from './audit/loaders/account/account-reader.ts'
export { type LiveOptions, loadLive, type PipelineNames } from './audit/loaders/live.ts'
export { namesOfPlan } from './audit/loaders/plan-names.ts'
export { loadTemplate } from './audit/loaders/template.ts'
export type {
  AuditModel,
  AuditResource,
  DeclaredReaders,
  FailedRead,
  UnreadablePolicy,
  UnresolvedReference
} from './audit/model.ts'
export { reportAsJson } from './audit/report-json.ts'
export { reportAsSarif, type SarifOptions } from './audit/report-sarif.ts'
export { explainControl, reportAsText, type TextOptions } from './audit/report-text.ts'
export type { ResolverOptions } from './audit/resolver.ts'
export { type AuthorizationQuestion, type AuthorizerOptions, authorizer } from './authorizer.ts'
export { evaluate } from './evaluator.ts'
export { mostInlineTemplateBytes } from './limits.ts'
export { planFromOutputs, type StackOutput } from './outputs.ts'
export { parsePolicy } from './parse-policy.ts'
export { type PlanAccess, type PlanAccessOptions, planAccess, planAuthorizer } from './plan-access.ts'
export type { PlannedKey } from './plan-keys.ts'
export { type PlanProfile, type PlanTemplateOptions, planTemplate } from './planner.ts'
export type {
  OneOrMore,
  PolicyConditions,
  PolicyDocument,
  PolicyPrincipal,
  PolicyStatement
} from './policy-document.ts'
export { keyPolicies, type RoleKind, type RolePolicy, roleKinds, rolePolicies } from './role-policies.ts'
export { inScope, type PlanScope } from './scope.ts'
export { planSteps } from './steps/plan-steps.ts'
export type { PlanStep, StepResult } from './steps/step.ts'
export type { StepCall } from './steps/step-call.ts'
export { stepsAsText } from './steps/steps-text.ts'
export type { PlanTemplate, TemplateResource, TemplateResources } from './template.ts'
