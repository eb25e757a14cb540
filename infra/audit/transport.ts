import { type Problem, unknown, wrong } from './judge.ts'
import type { AuditModel } from './model.ts'
import { ask, circumstancesOf, everyRight, principalsToldApart } from './questions.ts'

export interface TransportQuestion {
  /** ARN of what has the policy. */
  readonly owner: string
  readonly requests: readonly { readonly action: string; readonly resource: string }[]
  /** Ways of coming that have to be denied. */
  readonly bad: readonly { readonly what: string; readonly context: Readonly<Record<string, string>> }[]
}

/**
 * What of a transport is let through to somebody whom nothing else keeps out: each request is asked by everybody, in every
 * circumstance in which it would be allowed over good transport, so that no other deny answers in its place.
 */
export function transportProblems(model: AuditModel, question: TransportQuestion): readonly Problem[] {
  const policy = model.resourcePolicies.get(question.owner)
  const isUntold = model.unreadablePolicies?.has(question.owner) === true
  const problems: Problem[] = []
  for (const request of question.requests) {
    for (const principal of principalsToldApart(model, policy)) {
      for (const circumstance of circumstancesOf(policy)) {
        const base = { ...request, principal, identity: [everyRight] }
        // Where a policy cannot be read, nothing is known to be allowed, and everything may be.
        if (ask(model, { ...base, context: circumstance }) === 'deny') continue
        for (const { what, context } of question.bad) {
          const answer = ask(model, { ...base, context: { ...circumstance, ...context } })
          if (answer === 'allow') problems.push(wrong(`${what} is not denied`))
          if (answer === 'unknown') problems.push(unknown(`whether ${what} is denied cannot be told`))
        }
      }
    }
  }
  return isUntold && problems.length === 0 ? [unknown('its policy cannot be told')] : problems
}
