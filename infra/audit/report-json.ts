import { isOpen } from './audit.ts'
import type { BaselineOutcome } from './baseline.ts'

/** A report for programs: plain data, stable member names. */
export function reportAsJson({ report, expired, unused }: BaselineOutcome): Record<string, unknown> {
  return {
    source: report.source,
    worstSeverity: report.worstSeverity ?? null,
    counts: report.counts,
    controls: report.results.map(({ control, status, findings }) => ({
      id: control.id,
      severity: control.severity,
      title: control.title,
      status,
      findings: findings.map(finding => ({
        status: finding.status,
        open: isOpen(finding),
        resource: finding.resourceId ?? null,
        location: finding.location ?? null,
        evidence: finding.evidence,
        ...(finding.accepted === undefined ? {} : { accepted: finding.accepted }),
        ...(finding.attested === undefined ? {} : { attested: finding.attested })
      })),
      ...(status === 'fail' ? { fix: control.fix } : {}),
      sources: control.sources
    })),
    unresolved: report.unresolved,
    failedReads: report.failedReads,
    baseline: { expired, unused }
  }
}
