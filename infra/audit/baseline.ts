import { checkString } from '../../core/check-option.ts'
import { InvalidOptionError } from '../../core/errors.ts'
import { type AuditFinding, type AuditReport, reportOf, resultOf } from './audit.ts'

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

/** What somebody says of a finding that is left to people, until a day. */
export interface Attestation {
  /** Id of the control, such as `HSM-04`. */
  readonly control: string
  /** Id of the resource, or `*` for whatever the control leaves to people. @default the finding about the whole */
  readonly resource?: string
  /** What was looked at, and what it came to. */
  readonly statement: string
  /** Who answers for it. */
  readonly by: string
  /** The last day on which it holds, `YYYY-MM-DD` in UTC. From the next on the finding is a failure. */
  readonly expires: string
}

export interface Baseline {
  readonly accepted: readonly AcceptedFinding[]
  /** @default [] */
  readonly attested?: readonly Attestation[]
}

export type BaselineEntry = AcceptedFinding | Attestation

export interface BaselineOutcome {
  readonly report: AuditReport
  /** Entries whose day has passed: what they accepted is open again, and what they attested has failed. */
  readonly expired: readonly BaselineEntry[]
  /** Entries to which nothing answers any more. */
  readonly unused: readonly BaselineEntry[]
}

/** @throws InvalidOptionError naming the path of what is wrong. */
export function checkBaseline(value: unknown): Baseline {
  const { accepted, attested } = (value ?? {}) as { accepted?: unknown; attested?: unknown }
  return {
    accepted:
      accepted === undefined && attested !== undefined ? [] : checkList('accepted', accepted, checkAccepted),
    ...(attested === undefined ? {} : { attested: checkList('attested', attested, checkAttestation) })
  }
}

/**
 * Accepts the open findings that a baseline names, and notes what it attests of those that are left to people. An
 * attestation whose day has passed makes its finding a failure. `today` is `YYYY-MM-DD` in UTC.
 */
export function applyBaseline(report: AuditReport, baseline: Baseline, today: string): BaselineOutcome {
  const { accepted, attested = [] } = baseline
  const entries = [...accepted, ...attested]
  const isExpired = (entry: BaselineEntry): boolean => entry.expires < today
  const used = new Set<BaselineEntry>()
  const answering = <Entry extends BaselineEntry>(of: readonly Entry[], finding: AuditFinding): Entry[] => {
    const found = of.filter(entry => answers(entry, finding))
    for (const entry of found) used.add(entry)
    return found
  }
  const attest = (finding: AuditFinding): AuditFinding => {
    if (finding.status !== 'manual') return finding
    const found = answering(attested, finding)
    const entry = found.find(each => !isExpired(each))
    if (entry !== undefined) {
      const { statement, by, expires } = entry
      return { ...finding, attested: { statement, by, expires } }
    }
    const last = found.toSorted((a, b) => (a.expires < b.expires ? -1 : 1)).at(-1)
    return last === undefined
      ? finding
      : { ...finding, status: 'fail', evidence: `${finding.evidence}; attested until ${last.expires} alone` }
  }
  const accept = (finding: AuditFinding): AuditFinding => {
    if (finding.status !== 'fail' && finding.status !== 'error') return finding
    const entry = answering(accepted, finding).find(each => !isExpired(each))
    return entry === undefined
      ? finding
      : { ...finding, accepted: { reason: entry.reason, expires: entry.expires } }
  }
  const results = report.results.map(({ control, findings }) =>
    resultOf(
      control,
      findings.map(finding => accept(attest(finding)))
    )
  )
  return {
    report: reportOf({ ...report, results }),
    expired: entries.filter(isExpired),
    unused: entries.filter(entry => !used.has(entry) && !isExpired(entry))
  }
}

function answers(entry: BaselineEntry, { controlId, resourceId }: AuditFinding): boolean {
  return entry.control === controlId && (entry.resource === '*' || entry.resource === resourceId)
}

function checkList<Entry>(
  name: string,
  list: unknown,
  check: (path: string, entry: Readonly<Record<string, unknown>>) => Entry
): readonly Entry[] {
  const path = `baseline.${name}`
  if (!Array.isArray(list)) throw new InvalidOptionError(path, 'expected a list')
  return list.map((entry: unknown, index) => {
    if (typeof entry !== 'object' || entry === null) {
      throw new InvalidOptionError(`${path}[${index}]`, 'expected an object')
    }
    return check(`${path}[${index}]`, entry as Record<string, unknown>)
  })
}

function checkAccepted(path: string, entry: Readonly<Record<string, unknown>>): AcceptedFinding {
  const expires = checkDay(`${path}.expires`, entry.expires)
  return { ...checkTarget(path, entry), reason: checkString(`${path}.reason`, entry.reason), expires }
}

function checkAttestation(path: string, entry: Readonly<Record<string, unknown>>): Attestation {
  const expires = checkDay(`${path}.expires`, entry.expires)
  return {
    ...checkTarget(path, entry),
    statement: checkString(`${path}.statement`, entry.statement),
    by: checkString(`${path}.by`, entry.by),
    expires
  }
}

function checkTarget(
  path: string,
  { control, resource }: Readonly<Record<string, unknown>>
): Pick<BaselineEntry, 'control' | 'resource'> {
  return {
    control: checkString(`${path}.control`, control),
    ...(resource === undefined ? {} : { resource: checkString(`${path}.resource`, resource) })
  }
}

function checkDay(path: string, value: unknown): string {
  const day = checkString(path, value)
  // A day that the calendar does not have would be another one.
  if (!/^\d{4}-\d\d-\d\d$/.test(day) || new Date(`${day}T00:00:00Z`).toJSON()?.slice(0, 10) !== day) {
    throw new InvalidOptionError(path, 'expected a day, YYYY-MM-DD')
  }
  return day
}
