import { randomBytes } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { AwsError } from '../../aws-json.ts'
import { type Grant, GrantOperation, isPrincipal, isWithin } from '../grants.ts'
import type { KmsKey } from '../key.ts'
import { checkLiving, type KmsAction } from '../request.ts'
import { constraintsOf, grantOperationsOf } from '../validations/grants.ts'
import { optionalTextOf, textOf } from '../validations/members.ts'
import { pageOf } from '../validations/paging.ts'

const pageLimits = { byDefault: 50, max: 100 }
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_CreateGrant.html */
const maxPrincipalLength = 256

export const createGrant: KmsAction = async request => {
  const { input, store } = request
  const wanted = {
    name: optionalTextOf(input, 'Name', 256),
    granteePrincipal: textOf(input, 'GranteePrincipal', maxPrincipalLength),
    retiringPrincipal: optionalTextOf(input, 'RetiringPrincipal', maxPrincipalLength),
    operations: grantOperationsOf(input),
    constraints: constraintsOf(input)
  }
  const key = await request.usableKey('KeyId', { accepts: grant => isWithin(wanted, grant) })
  request.endDryRun()
  // A request with a name may be repeated: it finds the grant that it has made.
  const made = [...key.grants.values()].find(
    ({ id: _, createdMs: __, ...grant }) => wanted.name !== undefined && isDeepStrictEqual(grant, wanted)
  )
  const grant = made ?? { id: randomBytes(32).toString('hex'), createdMs: request.nowMs(), ...wanted }
  key.grants.set(grant.id, grant)
  return { GrantId: grant.id, GrantToken: store.issueGrantToken(key, grant.id) }
}

export const listGrants: KmsAction = async request => {
  const { input, store } = request
  const key = await request.key()
  const grants = [...key.grants.values()].filter(
    grant =>
      (input.GrantId === undefined || grant.id === input.GrantId) &&
      (input.GranteePrincipal === undefined || grant.granteePrincipal === input.GranteePrincipal)
  )
  const { items, rest } = pageOf(input, grants, ({ id }) => id, pageLimits)
  return { Grants: items.map(grant => describe(key, grant, store.options.accountId)), ...rest }
}

export const listRetirableGrants: KmsAction = async request => {
  const { input, store, region } = request
  const principal = textOf(input, 'RetiringPrincipal', maxPrincipalLength)
  await request.permit(undefined)
  const grants = store.retirableGrantsOf(principal, region)
  const { items, rest } = pageOf(input, grants, ({ grant }) => grant.id, pageLimits)
  return {
    Grants: items.map(({ key, grant }) => describe(key, grant, store.options.accountId)),
    ...rest
  }
}

/** By the grant's own people, or by whoever is allowed `kms:RetireGrant`. */
export const retireGrant: KmsAction = async request => {
  const { input, store, region, principal } = request
  const token = optionalTextOf(input, 'GrantToken', 8_192)
  const { key, grant } =
    token === undefined ? grantOf(store.find(input.KeyId, region), input.GrantId) : store.grantOfToken(token)
  request.note(key)
  const isGrantee =
    isPrincipal(grant.granteePrincipal, principal) && grant.operations.includes(GrantOperation.retireGrant)
  if (!isGrantee && !isPrincipal(grant.retiringPrincipal, principal)) await request.permit(key)
  checkLiving(key)
  request.endDryRun()
  key.grants.delete(grant.id)
  return {}
}

export const revokeGrant: KmsAction = async request => {
  const { key, grant } = grantOf(await request.livingKey(), request.input.GrantId)
  request.endDryRun()
  key.grants.delete(grant.id)
  return {}
}

function grantOf(key: KmsKey, id: unknown): { readonly key: KmsKey; readonly grant: Grant } {
  const grant = typeof id === 'string' ? key.grants.get(id) : undefined
  if (grant !== undefined) return { key, grant }
  throw new AwsError('NotFoundException', `Grant ID ${String(id)} not found`)
}

function describe(key: KmsKey, grant: Grant, accountId: string): object {
  const { name, retiringPrincipal, constraints } = grant
  return {
    KeyId: key.arn,
    GrantId: grant.id,
    ...(name === undefined ? {} : { Name: name }),
    CreationDate: grant.createdMs / 1000,
    GranteePrincipal: grant.granteePrincipal,
    ...(retiringPrincipal === undefined ? {} : { RetiringPrincipal: retiringPrincipal }),
    IssuingAccount: `arn:aws:iam::${accountId}:root`,
    Operations: grant.operations,
    ...(constraints === undefined ? {} : { Constraints: constraints })
  }
}
