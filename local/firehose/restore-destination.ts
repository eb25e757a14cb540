import type { SavedDestination } from './journal.ts'
import type { DestinationSettings } from './settings.ts'
import { type GivenDestination, parseDestination } from './validations/destination.ts'

/**
 * A destination out of a state folder. The search domain that an ARN stands for is asked for at every delivery: it
 * listens elsewhere than before, and later than this.
 */
export function restoreDestination(
  { family, configuration }: SavedDestination,
  domainUrl: (arn: string) => string | undefined
): GivenDestination {
  const { settings, processing } = parseDestination(
    { [`${family}DestinationConfiguration`]: configuration },
    {
      domainUrl: () => nowhere,
      // What was taken once stays: the receiver, whose address it may have been, listens elsewhere now.
      redshiftUrl: () => configuration.ClusterJDBCURL as string | undefined
    }
  )
  return { family, configuration, settings: withLateDomain(settings, domainUrl), processing }
}

/** Nobody listens there: what cannot be delivered is tried again. */
const nowhere = 'http://127.0.0.1:1'

function withLateDomain(
  settings: DestinationSettings,
  domainUrl: (arn: string) => string | undefined
): DestinationSettings {
  if (settings.kind !== 'search' || settings.domainArn === '') return settings
  const { domainArn } = settings
  return {
    ...settings,
    get endpoint() {
      return domainUrl(domainArn) ?? nowhere
    }
  }
}
