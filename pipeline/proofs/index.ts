export { type CloudTrailOptions, keyUsesOfCloudTrail, type LookUpEvents } from './cloud-trail.ts'
export { canonicalJson, type Evidence, type EvidenceOptions, evidenceOf, isIntact } from './evidence.ts'
export { type KeyUse, type KeyUseLog, type KeyUseOptions, proveKeyUses } from './key-uses.ts'
export {
  type PermissionEffect,
  type PermissionOptions,
  type PermissionRole,
  provePermissions
} from './permissions.ts'
export { type EvidenceValue, type Proof, ProofId, type ProofResult, type ProofSubject } from './proof.ts'
export type { RevocationOptions } from './revocation.ts'
export { type RunProofsOptions, runProofs } from './run-proofs.ts'
export {
  proveSameVerdicts,
  type Verdict,
  type VerdictFlaw,
  type VerdictOptions,
  type VerdictPlace
} from './same-verdicts.ts'
