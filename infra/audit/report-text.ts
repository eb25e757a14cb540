import { type AuditFinding, type ControlResult, isOpen, severities } from './audit.ts'
import type { BaselineEntry, BaselineOutcome } from './baseline.ts'
import type { Control } from './control.ts'

export interface TextOptions {
  /** Also what passed, and what is nobody's business. @default false */
  readonly isVerbose?: boolean
}

/** A report for people: what is open, gravest first, then what needs a person, then the counts. */
export function reportAsText(
  { report, expired, unused }: BaselineOutcome,
  { isVerbose = false }: TextOptions = {}
): string {
  const { results, counts, unresolved, failedReads } = report
  const bySeverity = severities.flatMap(severity =>
    results.filter(result => result.control.severity === severity)
  )
  const open = bySeverity.filter(result => result.findings.some(isOpen))
  const accepted = bySeverity.filter(result =>
    result.findings.some(finding => finding.accepted !== undefined)
  )
  const lines = [
    ...open.flatMap(result => tellOpen(result)),
    ...section('Accepted by the baseline', accepted, result =>
      result.findings
        .filter(finding => finding.accepted !== undefined)
        .map(finding => `${place(finding)}${finding.accepted!.reason} (until ${finding.accepted!.expires})`)
    ),
    ...section('Attested by people', results, ({ findings }) =>
      findings.flatMap(finding => {
        const { attested } = finding
        if (attested === undefined) return []
        return `${place(finding)}${attested.statement} (${attested.by}, until ${attested.expires})`
      })
    ),
    ...section(
      'To be decided by people or by a run',
      results.filter(({ status }) => status === 'manual'),
      ({ findings, ...result }) =>
        evidence({
          ...result,
          findings: findings.filter(({ status, attested }) => status === 'manual' && attested === undefined)
        })
    ),
    ...(isVerbose
      ? [
          ...section(
            'Passed',
            results.filter(({ status }) => status === 'pass'),
            evidence
          ),
          ...section(
            'Not applicable',
            results.filter(({ status }) => status === 'notApplicable'),
            evidence
          )
        ]
      : []),
    ...listing(
      'Could not be told',
      unresolved.map(({ location, reason }) => `${location}: ${reason}`)
    ),
    ...listing(
      'Could not be read',
      failedReads.map(({ action, resource, code }) => `${action} on ${resource}: ${code}`)
    ),
    ...listing(
      'Expired in the baseline',
      expired.map(entry => `${nameOf(entry)} (${entry.expires})`)
    ),
    ...listing('Unused in the baseline', unused.map(nameOf)),
    `${results.length} controls: ${counts.fail} failed, ${counts.error} undecided, ${counts.manual} manual, ${counts.pass} passed, ${counts.notApplicable} not applicable`
  ]
  return `${lines.join('\n')}\n`
}

/** All that is known of one control. */
export function explainControl({ id, severity, title, rationale, fix, kind, sources }: Control): string {
  const known = [
    ['statements', sources.statements],
    ['Security Hub', sources.securityHub],
    ['CIS 3.0', sources.cis],
    ['cdk-nag', sources.cdkNag],
    ['Prowler', sources.prowler],
    ['Checkov', sources.checkov]
  ] as const
  const names = known.flatMap(([name, ids]) =>
    ids === undefined || ids.length === 0 ? [] : `${name} ${ids.join(', ')}`
  )
  return [
    `${id} (${severity}, decided by ${decidedBy[kind]})`,
    title,
    '',
    rationale,
    '',
    `Fix: ${fix}`,
    ...(names.length === 0 ? [] : [`Known as: ${names.join('; ')}`]),
    ''
  ].join('\n')
}

const decidedBy = {
  resources: 'resources and policies',
  live: 'a live account',
  proof: 'a run of sealstream prove',
  manual: 'people'
} as const satisfies Record<Control['kind'], string>

function tellOpen({ control, findings }: ControlResult): readonly string[] {
  const open = findings.filter(isOpen)
  return [
    `${control.severity.toUpperCase()} ${control.id} ${control.title}`,
    ...open.map(
      finding => `  ${finding.status === 'error' ? 'undecided: ' : ''}${place(finding)}${finding.evidence}`
    ),
    ...(open.some(({ status }) => status === 'fail') ? [`  fix: ${control.fix}`] : []),
    ''
  ]
}

function place({ location, resourceId }: AuditFinding): string {
  const at = location ?? resourceId
  return at === undefined ? '' : `${at}: `
}

function nameOf({ control, resource }: BaselineEntry): string {
  return resource === undefined ? control : `${control} ${resource}`
}

function evidence({ findings }: ControlResult): readonly string[] {
  return findings.map(finding => `${place(finding)}${finding.evidence}`)
}

function section(
  title: string,
  results: readonly ControlResult[],
  tell: (result: ControlResult) => readonly string[]
): readonly string[] {
  return listing(
    title,
    results.flatMap(result => tell(result).map(line => `${result.control.id} ${line}`))
  )
}

function listing(title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [title, ...lines.map(line => `  ${line}`), '']
}
