import type { Grant } from './grants.ts'
import type { KeyMaterial, KmsKey, SharedKey } from './key.ts'
import type { Alias } from './store.ts'

/** What the store holds between two requests, but its request log. */
export interface KeysState {
  readonly secret: Buffer
  readonly keys: Iterable<KmsKey>
  readonly aliases: Iterable<Alias>
  readonly grantTokens: Iterable<readonly [string, { readonly key: KmsKey; readonly grantId: string }]>
}

/** The same as JSON. Keys are told by `<region>/<id>`, bytes are base64. */
export interface SavedKeys {
  readonly secret: string
  readonly shared: readonly (Omit<SharedKey, 'materials'> & {
    readonly materials: readonly (Omit<KeyMaterial, 'bytes'> & { readonly bytes: string })[]
  })[]
  readonly keys: readonly (Omit<KmsKey, 'shared' | 'tags' | 'grants'> & {
    readonly tags: readonly (readonly [string, string])[]
    readonly grants: readonly Grant[]
  })[]
  readonly aliases: readonly (Omit<Alias, 'key'> & { readonly key: string })[]
  readonly grantTokens: readonly (readonly [token: string, key: string, grantId: string])[]
}

export function keyPlace({ region, id }: KmsKey): string {
  return `${region}/${id}`
}

export function encodeKeys(state: KeysState): SavedKeys {
  const keys = [...state.keys]
  return {
    secret: state.secret.toString('base64'),
    shared: [...new Set(keys.map(({ shared }) => shared))].map(shared => ({
      ...shared,
      materials: shared.materials.map(({ bytes, ...rest }) => ({
        ...rest,
        bytes: bytes.toString('base64')
      }))
    })),
    keys: keys.map(({ shared: _, tags, grants, ...rest }) => ({
      ...rest,
      tags: [...tags],
      grants: [...grants.values()]
    })),
    aliases: Array.from(state.aliases, ({ key, ...rest }) => ({ ...rest, key: keyPlace(key) })),
    grantTokens: Array.from(state.grantTokens, ([token, { key, grantId }]) => [token, keyPlace(key), grantId])
  }
}

export function decodeKeys(saved: SavedKeys): KeysState {
  // JSON leaves out what is undefined; the members are there all the same.
  const shared = new Map(
    saved.shared.map(({ materials, rotation, ...rest }): [string, SharedKey] => [
      rest.id,
      {
        ...rest,
        rotation,
        materials: materials.map(({ id, bytes, rotation: made }) => ({
          id,
          rotation: made,
          bytes: Buffer.from(bytes, 'base64')
        }))
      }
    ])
  )
  const keys = new Map(
    saved.keys.map(({ tags, grants, ...rest }) => {
      const key: KmsKey = {
        ...rest,
        deletionMs: rest.deletionMs,
        pendingDays: rest.pendingDays,
        shared: shared.get(rest.id)!,
        tags: new Map(tags),
        grants: new Map(grants.map(grant => [grant.id, decodeGrant(grant)]))
      }
      return [keyPlace(key), key]
    })
  )
  return {
    secret: Buffer.from(saved.secret, 'base64'),
    keys: keys.values(),
    aliases: saved.aliases.map(({ key, ...rest }) => ({ ...rest, key: keys.get(key)! })),
    grantTokens: saved.grantTokens.flatMap(([token, at, grantId]) => {
      // The token of a key that is gone is good for nothing.
      const key = keys.get(at)
      return key === undefined ? [] : [[token, { key, grantId }] as const]
    })
  }
}

/** A repeated CreateGrant compares members, those that are undefined included. */
function decodeGrant({ name, retiringPrincipal, constraints, ...rest }: Grant): Grant {
  return { ...rest, name, retiringPrincipal, constraints }
}
