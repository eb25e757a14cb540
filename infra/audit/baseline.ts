import { checkString } from '../../core/check-option.ts'
import { InvalidOptionError } from '../../core/errors.ts'
import { type AuditFinding, type AuditReport, reportOf } from './audit.ts'

/** A finding that somebody answers for, until a day. */
export interface AcceptedFinding {
  /** Id of the control, such as `NET-01`. */
  readonly control: string
  /** Id of the resource, or `*` for whatever the control finds. @default the finding about the whole */
  readonly resource?: string
  readonly reason: string
  /** The last day on which it holds, `YYYY-MM-DD` in UTC. */
  readonly expires: string
}

export interface Baseline {
  readonly accepted: readonly AcceptedFinding[]
}

export interface BaselineOutcome {
  readonly report: AuditReport
  /** Entries whose day has passed: what they accepted is open again. */
  readonly expired: readonly AcceptedFinding[]
  /** Entries to which nothing answers any more. */
  readonly unused: readonly AcceptedFinding[]
}

/** @throws InvalidOptionError naming the path of what is wrong. */
export function checkBaseline(value: unknown): Baseline {
  const accepted = (value as { accepted?: unknown } | null)?.accepted
  if (!Array.isArray(accepted)) throw new InvalidOptionError('baseline.accepted', 'expected a list')
  return { accepted: accepted.map((entry, index) => checkEntry(entry, `baseline.accepted[${index}]`)) }
}

/** Accepts the open findings that a baseline names. `today` is `YYYY-MM-DD` in UTC. */
export function applyBaseline(report: AuditReport, baseline: Baseline, today: string): BaselineOutcome {
  const isExpired = (entry: AcceptedFinding): boolean => entry.expires < today
  const used = new Set<AcceptedFinding>()
  const accept = (finding: AuditFinding): AuditFinding => {
    if (finding.status !== 'fail' && finding.status !== 'error') return finding
    const entries = baseline.accepted.filter(entry => answers(entry, finding))
    for (const entry of entries) used.add(entry)
    const entry = entries.find(each => !isExpired(each))
    return entry === undefined
      ? finding
      : { ...finding, accepted: { reason: entry.reason, expires: entry.expires } }
  }
  const results = report.results.map(result => ({ ...result, findings: result.findings.map(accept) }))
  return {
    report: reportOf({ ...report, results }),
    expired: baseline.accepted.filter(isExpired),
    unused: baseline.accepted.filter(entry => !used.has(entry) && !isExpired(entry))
  }
}

function answers(entry: AcceptedFinding, { controlId, resourceId }: AuditFinding): boolean {
  return entry.control === controlId && (entry.resource === '*' || entry.resource === resourceId)
}

function checkEntry(entry: unknown, path: string): AcceptedFinding {
  if (typeof entry !== 'object' || entry === null) throw new InvalidOptionError(path, 'expected an object')
  const { control, resource, reason, expires } = entry as Record<string, unknown>
  const day = checkString(`${path}.expires`, expires)
  // A day that the calendar does not have would be another one.
  if (!/^\d{4}-\d\d-\d\d$/.test(day) || new Date(`${day}T00:00:00Z`).toJSON()?.slice(0, 10) !== day) {
    throw new InvalidOptionError(`${path}.expires`, 'expected a day, YYYY-MM-DD')
  }
  return {
    control: checkString(`${path}.control`, control),
    ...(resource === undefined ? {} : { resource: checkString(`${path}.resource`, resource) }),
    reason: checkString(`${path}.reason`, reason),
    expires: day
  }
}
