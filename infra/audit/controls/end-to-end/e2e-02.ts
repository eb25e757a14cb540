import { proof } from './proof.ts'

export const e2e02 = proof({
  id: 'E2E-02',
  severity: 'critical',
  title: 'A revoked key stops opening within a known time; nothing is lost or handed on in between.',
  rationale:
    'Revocation acts on new data keys alone. Those that are cached open on until their age is up, which bounds how long a ' +
    'revoked reader can read.',
  fix: 'Bound the age of cached data keys, and hold the checkpoint while the key cannot be had.',
  sources: { statements: [2] }
})
