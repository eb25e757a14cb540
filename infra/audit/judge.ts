import type { Finding } from './control.ts'
import { type AuditResource, unknownValue } from './model.ts'

/** What keeps a resource from passing. */
export interface Problem {
  /** `unknown`: whether it is wrong cannot be told from what was read. `toConfirm`: it is for people to say. */
  readonly kind: 'wrong' | 'unknown' | 'toConfirm'
  readonly text: string
}

export function wrong(text: string): Problem {
  return { kind: 'wrong', text }
}

export function unknown(text: string): Problem {
  return { kind: 'unknown', text }
}

export function toConfirm(text: string): Problem {
  return { kind: 'toConfirm', text }
}

/** Asks of a value what it has to be. `name` is told where the value cannot be, `text` where it is another. */
export function demand(
  name: string,
  value: unknown,
  isRight: (value: unknown) => boolean,
  text: string
): Problem | undefined {
  if (value === unknownValue) return unknown(`${name} cannot be told`)
  return isRight(value) ? undefined : wrong(text)
}

const statusOf = { wrong: 'fail', unknown: 'error', toConfirm: 'manual' } as const

/**
 * The finding of one resource: of the gravest kind of problem, told with all of that kind. What cannot be told never passes.
 * `evidence` is what was seen where it passes.
 */
export function judge(
  resource: AuditResource,
  problems: readonly (Problem | undefined)[],
  evidence: string
): Finding {
  const found = problems.filter(problem => problem !== undefined)
  const kind = (['wrong', 'unknown', 'toConfirm'] as const).find(each =>
    found.some(problem => problem.kind === each)
  )
  const told = found.filter(problem => problem.kind === kind)
  return {
    status: kind === undefined ? 'pass' : statusOf[kind],
    resourceId: resource.id,
    location: resource.location,
    evidence: kind === undefined ? evidence : [...new Set(told.map(({ text }) => text))].join('; ')
  }
}

/** Something that nothing in a template or an account tells. */
export function manual(resource: AuditResource, evidence: string): Finding {
  return { status: 'manual', resourceId: resource.id, location: resource.location, evidence }
}

/** Those that there are. */
export function demandAll(...problems: readonly (Problem | undefined)[]): readonly Problem[] {
  return problems.filter(problem => problem !== undefined)
}
