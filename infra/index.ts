export type {
  AccessDecision,
  AccessGrant,
  AccessPolicies,
  AccessPrincipal,
  AccessRequest,
  NamedPolicy
} from './access.ts'
export type {
  Control,
  ControlKind,
  ControlSources,
  ControlStatus,
  Finding,
  Severity
} from './audit/control.ts'
export type { AuditModel, AuditResource, FailedRead, UnresolvedReference } from './audit/model.ts'
export type {
  OneOrMore,
  PolicyConditions,
  PolicyDocument,
  PolicyPrincipal,
  PolicyStatement
} from './policy-document.ts'
