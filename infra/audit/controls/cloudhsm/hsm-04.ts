import type { Control, Finding } from '../../control.ts'
import { envelopeKeys } from '../../envelope-key.ts'
import { demand, judge, toConfirm, wrong } from '../../judge.ts'
import { type AuditModel, type AuditResource, unknownValue } from '../../model.ts'
import { knownListAt, valueAt } from '../../readers.ts'

const keyStores = ['AWS_CLOUDHSM', 'EXTERNAL_KEY_STORE']
const tested = 'that its loss was rehearsed, and a backup opened records again, is known to people alone'

export const hsm04: Control = {
  id: 'HSM-04',
  severity: 'high',
  title:
    'An envelope key in hardware of your own is in a key store that is connected, and its loss was rehearsed.',
  rationale:
    'A key in a custom key store is as far away as the cluster or the proxy behind it. Credentials that are lost, or a ' +
    'store that does not connect again, leave every record unreadable, and nobody at AWS can help.',
  fix: 'Connect the key store, restore a backup into a second cluster, open a record with it, and attest that you did.',
  kind: 'manual',
  sources: { statements: [1, 2, 9] },
  evaluate: model => (model.source === 'template' ? declared(model) : connected(model))
}

/** CloudFormation has neither key stores nor keys in them: what a template can do is to say so, by a tag. */
function declared(model: AuditModel): readonly Finding[] {
  return model.resources.flatMap(resource => {
    const origin = originTagOf(resource)
    if (origin === undefined) return []
    const isKey = resource.type === 'AWS::KMS::Key'
    return [
      judge(
        resource,
        [
          demand('its tag key-origin', origin, () => true, ''),
          isKey
            ? wrong('CloudFormation makes no key in a key store: its tag key-origin is wrong')
            : undefined,
          toConfirm(
            `its key is of origin ${String(origin)}: whether the store is connected, an account tells; ${tested}`
          )
        ],
        ''
      )
    ]
  })
}

function originTagOf({ properties }: AuditResource): unknown {
  const tag = knownListAt(properties, 'Tags').find(each => valueAt(each, 'Key') === 'key-origin')
  const origin = valueAt(tag, 'Value')
  return origin === unknownValue || keyStores.includes(String(origin)) ? origin : undefined
}

function connected(model: AuditModel): readonly Finding[] {
  return envelopeKeys(model)
    .filter(({ properties }) => keyStores.includes(String(properties.Origin)))
    .map(key =>
      judge(
        key,
        [
          demand(
            'ConnectionState',
            valueAt(key.properties, 'CustomKeyStore', 'ConnectionState'),
            state => state === 'CONNECTED',
            'its key store is not connected'
          ),
          toConfirm(`its key store is connected; ${tested}`)
        ],
        ''
      )
    )
}
