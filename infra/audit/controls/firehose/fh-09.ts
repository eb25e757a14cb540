import type { Control } from '../../control.ts'
import { deliveryStreamsOf, destinationsOf } from '../../delivery-streams.ts'
import { judge } from '../../judge.ts'
import { demandSecret } from './secrets.ts'

export const fh09: Control = {
  id: 'FH-09',
  severity: 'critical',
  title: 'The credentials for Redshift come from Secrets Manager.',
  rationale:
    'A user name and a password in a template are read by whoever may read the stack, its change sets or the repository, ' +
    'and stay there after a change.',
  fix: 'Set SecretsManagerConfiguration (Enabled, SecretARN, RoleARN), and delete Username and Password.',
  kind: 'resources',
  sources: { statements: [17, 63] },
  evaluate: model =>
    deliveryStreamsOf(model).flatMap(stream =>
      destinationsOf(stream)
        .filter(({ name }) => name === 'RedshiftDestinationConfiguration')
        .map(({ configuration }) =>
          judge(
            stream,
            demandSecret(configuration, ['Username', 'Password']),
            'its credentials come from Secrets Manager'
          )
        )
    )
}
