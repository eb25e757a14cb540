import { type Proof, ProofId } from './proof.ts'

/** What one rule says of one resource. */
export interface Verdict {
  /** Id of the rule, such as `KDS-01`. */
  readonly control: string
  /** Stands for the same resource wherever it was looked at. */
  readonly resource: string
  readonly says: 'pass' | 'fail' | 'untold'
  /** In one line; never a secret. */
  readonly evidence: string
}

export interface VerdictPlace {
  /** Such as `the template`. */
  readonly name: string
  readonly verdicts: () => Promise<readonly Verdict[]>
}

/** Something that is made worse in both places, for a rule to see it there. */
export interface VerdictFlaw {
  readonly name: string
  /** Id of the rule that has to fail. */
  readonly control: string
  readonly make: () => Promise<void>
}

export interface VerdictOptions {
  /** What the plan says. */
  readonly declared: VerdictPlace
  /** What is there. */
  readonly observed: VerdictPlace
  /** Made one after the other, and not taken back. */
  readonly flaws?: readonly VerdictFlaw[]
  /** Whether everything that was declared has to be seen. @default false */
  readonly isWhole?: boolean
  /** Rules that the second place cannot show, and why. */
  readonly leftOut?: Readonly<Record<string, string>>
}

interface Difference {
  readonly after: string
  readonly control: string
  readonly resource: string
  readonly declared: string
  readonly observed: string
}

const maxListed = 20

/**
 * E2E-06: the rules say the same of what the plan declares and of what is there, also after either was made worse. A rule
 * that passes a template and fails the account has found what somebody changed by hand.
 */
export async function proveSameVerdicts(options: VerdictOptions): Promise<Proof> {
  const { declared, observed, flaws = [], isWhole = false, leftOut = {} } = options
  const differences: Difference[] = []
  const unseen = new Set<string>()
  const unshown: string[] = []
  const shown: string[] = []
  let compared = 0

  const compare = async (after: string): Promise<readonly [readonly Verdict[], readonly Verdict[]]> => {
    const told = (verdicts: readonly Verdict[]): readonly Verdict[] =>
      verdicts.filter(({ control, says }) => says !== 'untold' && !Object.hasOwn(leftOut, control))
    const here = told(await declared.verdicts())
    const there = told(await observed.verdicts())
    const found = byName(there)
    for (const [name, { control, resource, says, evidence }] of byName(here)) {
      const other = found.get(name)
      if (other === undefined) {
        unseen.add(name)
        continue
      }
      compared += 1
      if (says === other.says) continue
      differences.push({
        after,
        control,
        resource,
        declared: `${says}: ${evidence}`,
        observed: `${other.says}: ${other.evidence}`
      })
    }
    return [here, there]
  }

  await compare('nothing')
  for (const { name, control, make } of flaws) {
    await make()
    const places = await compare(name)
    const isSeen = places.map(verdicts =>
      verdicts.some(verdict => verdict.control === control && verdict.says === 'fail')
    )
    if (isSeen.every(Boolean)) shown.push(`${control}: ${name}`)
    else unshown.push(`${control}: ${name}`)
  }
  const [first] = differences
  const doubt =
    compared === 0
      ? 'there is nothing that both places tell of'
      : unshown.length > 0
        ? `a flaw was not seen in both places, ${unshown[0]}`
        : isWhole && unseen.size > 0
          ? `${unseen.size} verdicts on ${declared.name} have no counterpart, such as ${[...unseen][0]}`
          : undefined
  return {
    id: ProofId.sameVerdicts,
    result: first !== undefined ? 'failed' : doubt !== undefined ? 'void' : 'proved',
    reason:
      first !== undefined
        ? `${differences.length} of ${compared} verdicts differ, such as ${first.control} of ${first.resource}: ${declared.name} ${first.declared}, ${observed.name} ${first.observed}`
        : (doubt ??
          `${compared} verdicts are the same on ${declared.name} and on ${observed.name}${flaws.length === 0 ? '' : `, ${flaws.length} flaws included`}`),
    measurements: {
      compared,
      differing: differences.length,
      unseen: unseen.size,
      flaws: flaws.length
    },
    evidence: {
      places: [declared.name, observed.name],
      differences: differences.slice(0, maxListed).map(difference => ({ ...difference })),
      unseen: [...unseen].slice(0, maxListed),
      flaws: shown,
      leftOut
    }
  }
}

/** The gravest verdict of each rule on each resource. */
function byName(verdicts: readonly Verdict[]): ReadonlyMap<string, Verdict> {
  const gravest = new Map<string, Verdict>()
  for (const verdict of verdicts) {
    const name = `${verdict.control} ${verdict.resource}`
    if (gravest.get(name)?.says !== 'fail') gravest.set(name, verdict)
  }
  return gravest
}
