import { AwsError } from '../../aws-json.ts'
import { isPrimary, type KmsKey, newMaterial } from '../key.ts'
import type { KmsAction } from '../request.ts'
import { integerOf } from '../validations/members.ts'
import { pageOf } from '../validations/paging.ts'

const dayMs = 86_400_000
/** https://docs.aws.amazon.com/kms/latest/APIReference/API_EnableKeyRotation.html */
const periodDays = { min: 90, max: 2_560, byDefault: 365 }
/** https://docs.aws.amazon.com/kms/latest/developerguide/resource-limits.html */
const maxOnDemandRotations = 25

export const enableKeyRotation: KmsAction = async request => {
  const { min, max, byDefault } = periodDays
  const days = integerOf(request.input, 'RotationPeriodInDays', min, max) ?? byDefault
  const key = await request.usableKey()
  checkPrimary(key)
  key.shared.rotation = { periodDays: days, nextMs: request.nowMs() + days * dayMs }
  return {}
}

export const disableKeyRotation: KmsAction = async request => {
  const key = await request.usableKey()
  checkPrimary(key)
  key.shared.rotation = undefined
  return {}
}

export const getKeyRotationStatus: KmsAction = async request => {
  const key = await request.key()
  const { rotation } = key.shared
  const isLiving = key.state === 'Enabled' || key.state === 'Disabled'
  // Of a key on its way out, AWS says that it is not rotated, and picks the setting up when the deletion is cancelled.
  if (rotation === undefined || !isLiving) return { KeyId: key.id, KeyRotationEnabled: false }
  return {
    KeyId: key.id,
    KeyRotationEnabled: true,
    RotationPeriodInDays: rotation.periodDays,
    NextRotationDate: rotation.nextMs / 1000
  }
}

export const rotateKeyOnDemand: KmsAction = async request => {
  const key = await request.usableKey()
  checkPrimary(key)
  const { materials } = key.shared
  if (materials.filter(({ rotation }) => rotation?.type === 'ON_DEMAND').length >= maxOnDemandRotations) {
    throw new AwsError(
      'LimitExceededException',
      `${key.arn} has been rotated on demand ${maxOnDemandRotations} times, which is the most.`
    )
  }
  materials.push(newMaterial({ type: 'ON_DEMAND', dateMs: request.nowMs() }))
  return { KeyId: key.id }
}

export const listKeyRotations: KmsAction = async request => {
  const key = await request.key()
  const current = key.shared.materials.at(-1)
  const isAll = request.input.IncludeKeyMaterial === 'ALL_KEY_MATERIAL'
  const listed = key.shared.materials.filter(({ rotation }) => isAll || rotation !== undefined)
  const { items, rest } = pageOf(request.input, listed, ({ id }) => id, { byDefault: 100, max: 1_000 })
  return {
    Rotations: items.map(material => ({
      KeyId: key.id,
      KeyMaterialId: material.id,
      KeyMaterialState: material === current ? 'CURRENT' : 'NON_CURRENT',
      ...(material.rotation === undefined
        ? {}
        : { RotationDate: material.rotation.dateMs / 1000, RotationType: material.rotation.type })
    })),
    ...rest
  }
}

/** Replicas rotate with their primary key. */
function checkPrimary(key: KmsKey): void {
  if (isPrimary(key)) return
  throw new AwsError('UnsupportedOperationException', `${key.arn} is a replica key: ask its primary key.`)
}
