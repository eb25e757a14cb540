import { proveBoundContext } from './bound-context.ts'
import { type KeyUseOptions, proveKeyUses } from './key-uses.ts'
import { type NoPlaintextOptions, proveNoPlaintextAtRest } from './no-plaintext-at-rest.ts'
import { type PermissionOptions, provePermissions } from './permissions.ts'
import { notApplicable, type Proof, ProofId, type ProofSubject } from './proof.ts'
import { proveRevocation, type RevocationOptions } from './revocation.ts'
import { proveSameVerdicts, type VerdictOptions } from './same-verdicts.ts'

export interface RunProofsOptions extends NoPlaintextOptions {
  /** @default all of them */
  readonly only?: readonly ProofId[]
  readonly revocation?: RevocationOptions
  /** Where the roles of the plan can be asked for; a text says why they cannot. */
  readonly permissions: PermissionOptions | string
  /** Where a log of KMS can be read; a text says why it cannot. */
  readonly keyUses: KeyUseOptions | string
  /** Where rules can be held against what is there; a text says why they cannot. */
  readonly verdicts: VerdictOptions | string
  readonly onProof?: (proof: Proof) => void
}

/**
 * Runs the proofs, one after the other: they change the same key.
 * @throws ServiceError when a service cannot be reached, or refuses what a proof needs
 */
export async function runProofs(subject: ProofSubject, options: RunProofsOptions): Promise<readonly Proof[]> {
  const { only = Object.values(ProofId), permissions, keyUses, verdicts, onProof } = options
  const runs: Readonly<Record<ProofId, () => Promise<Proof>>> = {
    'E2E-01': () => proveNoPlaintextAtRest(subject, options),
    'E2E-02': () => proveRevocation(subject, options.revocation),
    'E2E-03': () => proveBoundContext(subject),
    'E2E-04': async () =>
      typeof permissions === 'string'
        ? notApplicable(ProofId.permissions, permissions)
        : provePermissions(permissions),
    'E2E-05': async () =>
      typeof keyUses === 'string' ? notApplicable(ProofId.keyUses, keyUses) : proveKeyUses(keyUses),
    'E2E-06': async () =>
      typeof verdicts === 'string'
        ? notApplicable(ProofId.sameVerdicts, verdicts)
        : proveSameVerdicts(verdicts)
  }
  const proofs: Proof[] = []
  for (const id of Object.values(ProofId)) {
    if (!only.includes(id)) continue
    subject.signal?.throwIfAborted()
    const proof = await runs[id]()
    proofs.push(proof)
    onProof?.(proof)
  }
  return proofs
}
