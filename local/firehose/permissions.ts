import type { Permission } from '../authorization.ts'
import { deliveryStreamNames } from '../faults/resource-names.ts'

/** What a request is allowed by; the delivery stream need not be there. Firehose has no resource policies. */
export function firehosePermissions(
  { region, accountId }: { readonly region: string; readonly accountId: string },
  operation: string,
  input: Readonly<Record<string, unknown>>
): readonly Permission[] {
  const [name] = deliveryStreamNames(input)
  const resource =
    name === undefined || operation === 'ListDeliveryStreams'
      ? '*'
      : name.startsWith('arn:')
        ? name
        : `arn:aws:firehose:${region}:${accountId}:deliverystream/${name}`
  return [{ action: `firehose:${operation}`, resource }]
}
