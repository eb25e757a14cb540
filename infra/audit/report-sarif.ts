import type { AuditFinding } from './audit.ts'
import type { BaselineOutcome } from './baseline.ts'
import type { Control, ControlStatus, Severity } from './control.ts'

export interface SarifOptions {
  /** Of this package. */
  readonly version: string
  /** File that was audited, as a relative path with slashes; undefined for an account. */
  readonly artifact?: string | undefined
  /** Line of the file, from 1, where a resource begins. */
  readonly lines?: ReadonlyMap<string, number>
}

// https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html#_Toc34317647: `level` is `none` unless `kind` is `fail`.
const kinds = {
  pass: 'pass',
  fail: 'fail',
  manual: 'review',
  error: 'open',
  notApplicable: 'notApplicable'
} as const satisfies Record<ControlStatus, string>

const levels = { critical: 'error', high: 'error', medium: 'warning', low: 'note' } as const satisfies Record<
  Severity,
  string
>

// The ranks by which GitHub tells severities apart:
// https://docs.github.com/en/code-security/code-scanning/integrating-with-code-scanning/sarif-support-for-code-scanning
const ranks = { critical: '9.5', high: '8.0', medium: '5.5', low: '3.0' } as const satisfies Record<
  Severity,
  string
>

/** A report as SARIF 2.1.0, for code scanning. */
export function reportAsSarif({ report }: BaselineOutcome, options: SarifOptions): Record<string, unknown> {
  const findings = report.results.flatMap(({ findings }, ruleIndex) =>
    findings.map(finding => resultOf(finding, ruleIndex, options))
  )
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'sealstream',
            semanticVersion: options.version,
            rules: report.results.map(({ control }) => ruleOf(control))
          }
        },
        results: findings
      }
    ]
  }
}

function ruleOf({ id, severity, title, rationale, fix, sources }: Control): Record<string, unknown> {
  const tags = Object.entries(sources).flatMap(([source, ids]) =>
    ((ids ?? []) as readonly (string | number)[]).map(each => `${source}:${each}`)
  )
  return {
    id,
    shortDescription: { text: title },
    fullDescription: { text: rationale },
    help: { text: fix },
    defaultConfiguration: { level: levels[severity] },
    properties: { tags: ['security', ...tags], 'security-severity': ranks[severity] }
  }
}

function resultOf(
  { controlId, severity, status, resourceId, location, evidence, accepted, attested }: AuditFinding,
  ruleIndex: number,
  { artifact, lines }: SarifOptions
): Record<string, unknown> {
  const name = location ?? resourceId
  const startLine = (resourceId === undefined ? undefined : lines?.get(resourceId)) ?? 1
  const justification = accepted?.reason ?? attested?.statement
  const places = {
    ...(artifact === undefined
      ? {}
      : { physicalLocation: { artifactLocation: { uri: artifact }, region: { startLine } } }),
    ...(name === undefined ? {} : { logicalLocations: [{ fullyQualifiedName: name }] })
  }
  return {
    ruleId: controlId,
    ruleIndex,
    kind: kinds[status],
    level: status === 'fail' ? levels[severity] : 'none',
    message: { text: evidence },
    ...(Object.keys(places).length === 0 ? {} : { locations: [places] }),
    partialFingerprints: { 'sealstreamFinding/v1': `${controlId}/${resourceId ?? ''}` },
    ...(justification === undefined
      ? {}
      : { suppressions: [{ kind: 'external', status: 'accepted', justification }] })
  }
}
