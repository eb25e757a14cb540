import type { AccessRequest, NamedPolicy } from '../access.ts'
import type { OneOrMore, PolicyDocument, PolicyStatement } from '../policy-document.ts'
import { conditionsHold, toList } from './conditions.ts'
import { matchesResource, matchesText } from './pattern.ts'
import { type PrincipalReach, reachOf } from './principals.ts'
import type { RequestContext } from './request-context.ts'
import { fillIn, hasVariables } from './variables.ts'

/** A request with all condition keys. */
export interface Question extends Pick<AccessRequest, 'principal' | 'action' | 'resource'> {
  readonly context: RequestContext
}

/** A statement that is about the request. */
export interface StatementMatch {
  readonly policy: string
  readonly sid: string | undefined
  readonly index: number
  readonly reach: PrincipalReach
}

/** The statements of one effect that are about the request, in the order of the document. */
export function matchingStatements(
  { name, document }: NamedPolicy,
  effect: PolicyStatement['Effect'],
  question: Question
): readonly StatementMatch[] {
  const areVariablesOn = hasVariables(document)
  return statementsAbout(document, question.action).flatMap(({ statement, index }) => {
    if (statement.Effect !== effect) return []
    const reach = reachOf(statement, effect, question.principal)
    const isAbout =
      reach !== undefined &&
      isAboutResource(statement, question, areVariablesOn) &&
      conditionsHold(statement.Condition, question.context, areVariablesOn)
    return isAbout ? [{ policy: name, sid: statement.Sid, index, reach }] : []
  })
}

interface NumberedStatement {
  readonly statement: PolicyStatement
  readonly index: number
}

/** Document -> action -> its statements about that. Documents are data that nobody changes, and there are few actions. */
const statementsByAction = new WeakMap<PolicyDocument, Map<string, readonly NumberedStatement[]>>()

/** Most statements are about other actions, and an audit asks each document the same hundreds of times. */
function statementsAbout(document: PolicyDocument, action: string): readonly NumberedStatement[] {
  const byAction = statementsByAction.get(document) ?? new Map<string, readonly NumberedStatement[]>()
  statementsByAction.set(document, byAction)
  const found =
    byAction.get(action) ??
    document.Statement.map((statement, index) => ({ statement, index })).filter(({ statement }) =>
      isAboutAction(statement, action)
    )
  byAction.set(action, found)
  return found
}

function isAboutAction({ Action, NotAction }: PolicyStatement, action: string): boolean {
  if (Action !== undefined) return includesAction(Action, action)
  return !includesAction(NotAction ?? [], action)
}

function includesAction(patterns: OneOrMore<string>, action: string): boolean {
  return toList(patterns).some(pattern =>
    matchesText([{ text: pattern.toLowerCase(), isLiteral: false }], action.toLowerCase())
  )
}

function isAboutResource(
  { Resource, NotResource }: PolicyStatement,
  question: Question,
  areVariablesOn: boolean
): boolean {
  const includes = (patterns: OneOrMore<string>) =>
    toList(patterns).some(pattern => {
      const texts = areVariablesOn ? fillIn(pattern, question.context) : [{ text: pattern, isLiteral: false }]
      return texts !== undefined && matchesResource(texts, question.resource)
    })
  if (Resource !== undefined) return includes(Resource)
  // A trust policy has neither: it is about its role.
  return NotResource === undefined || !includes(NotResource)
}
