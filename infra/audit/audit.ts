import { isSealstreamError } from '../../core/errors.ts'
import type { Control, ControlStatus, Finding, Severity } from './control.ts'
import type { AuditModel, FailedRead, UnresolvedReference } from './model.ts'

/** One finding of a report. */
export interface AuditFinding extends Finding {
  readonly controlId: string
  readonly severity: Severity
  /** Why it is accepted, from a baseline; undefined for one that is not. */
  readonly accepted?: { readonly reason: string; readonly expires: string } | undefined
  /** What somebody answers for, from a baseline, of one that is left to people. */
  readonly attested?:
    | { readonly statement: string; readonly by: string; readonly expires: string }
    | undefined
}

/** What one control came to: the gravest of its findings. */
export interface ControlResult {
  readonly control: Control
  readonly status: ControlStatus
  /** At least one. */
  readonly findings: readonly AuditFinding[]
}

export interface AuditReport {
  readonly source: AuditModel['source']
  /** In the order of the catalogue. */
  readonly results: readonly ControlResult[]
  /** How many controls came to each status. */
  readonly counts: Readonly<Record<ControlStatus, number>>
  /** Of what failed, or could not be told, and is not accepted; undefined where there is nothing of that kind. */
  readonly worstSeverity: Severity | undefined
  readonly unresolved: readonly UnresolvedReference[]
  readonly failedReads: readonly FailedRead[]
}

/** Gravest first. */
export const severities = ['critical', 'high', 'medium', 'low'] as const satisfies readonly Severity[]

/** Gravest first. */
export const statuses = [
  'fail',
  'error',
  'manual',
  'pass',
  'notApplicable'
] as const satisfies readonly ControlStatus[]

/** Runs controls over a model. A control that throws is an error of its own, and the others go on. */
export function audit(model: AuditModel, controls: readonly Control[]): AuditReport {
  const results = controls.map(control => {
    const findings = findingsOf(control, model)
    return resultOf(
      control,
      findings.map(finding => ({ controlId: control.id, severity: control.severity, ...finding }))
    )
  })
  return reportOf({
    source: model.source,
    results,
    unresolved: model.unresolved,
    failedReads: model.failedReads
  })
}

/** Puts what was counted into a report anew, after findings changed. */
export function reportOf(report: Omit<AuditReport, 'counts' | 'worstSeverity'>): AuditReport {
  const { results } = report
  const count = (status: ControlStatus): number => results.filter(result => result.status === status).length
  const open = results.flatMap(result => result.findings).filter(isOpen)
  return {
    ...report,
    counts: {
      fail: count('fail'),
      error: count('error'),
      manual: count('manual'),
      pass: count('pass'),
      notApplicable: count('notApplicable')
    },
    worstSeverity: severities.find(severity => open.some(finding => finding.severity === severity))
  }
}

export function resultOf(control: Control, findings: readonly AuditFinding[]): ControlResult {
  const status = statuses.find(each => findings.some(finding => finding.status === each))
  return { control, status: status ?? 'notApplicable', findings }
}

/** Failed, or not told: an undecided control is none that passed. */
export function isOpen({ status, accepted }: AuditFinding): boolean {
  return (status === 'fail' || status === 'error') && accepted === undefined
}

/** Whether a report has open findings of this severity, or a graver one. */
export function hasFindingsFrom(report: AuditReport, severity: Severity): boolean {
  const { worstSeverity: worst } = report
  return worst !== undefined && severities.indexOf(worst) <= severities.indexOf(severity)
}

function findingsOf(control: Control, model: AuditModel): readonly Finding[] {
  if (control.kind === 'live' && model.source === 'template') {
    return [{ status: 'notApplicable', evidence: 'decided in an account alone' }]
  }
  const missing = model.failedReads.filter(({ action }) => control.reads?.includes(action))
  if (missing.length > 0) return missing.map(read => ({ status: 'error', evidence: tell(read) }))
  try {
    const findings = control.evaluate(model)
    if (findings.length === 0) return [{ status: 'notApplicable', evidence: 'nothing here is its business' }]
    return findings.map(finding => withFailedReads(finding, model))
  } catch (error) {
    // Our own errors name paths and options, never values. Of any other only the kind is told.
    const reason = isSealstreamError(error) ? error.message : error instanceof Error ? error.name : 'unknown'
    return [{ status: 'error', evidence: `could not be decided: ${reason}` }]
  }
}

/** What could not be told of a resource is told with the reads of it that failed. */
function withFailedReads(finding: Finding, model: AuditModel): Finding {
  if (finding.status !== 'error' || finding.resourceId === undefined) return finding
  const resource = model.resources.find(({ id }) => id === finding.resourceId)
  const reads = model.failedReads.filter(
    each => each.resource === finding.resourceId || each.resource === resource?.arn
  )
  return reads.length === 0
    ? finding
    : { ...finding, evidence: [finding.evidence, ...reads.map(tell)].join('; ') }
}

function tell({ action, resource, code }: FailedRead): string {
  return `${action} on ${resource}: ${code}`
}
