import type { Control } from '../../control.ts'
import { judge, toConfirm, wrong } from '../../judge.ts'
import { valueAt } from '../../readers.ts'
import { leaseTablesOf } from './tables.ts'

export const ddb06: Control = {
  id: 'DDB-06',
  severity: 'medium',
  title: 'A lease table with a wrong key or name is moved without losing a checkpoint.',
  rationale:
    'The key of a table can be changed in place. A table that has to be another is copied row by row, forward only, and ' +
    'compared; one whose key is gone is archived by DynamoDB.',
  fix: 'Change SSESpecification in place, or move it by sealstream migrate-table, and deny the old table.',
  kind: 'manual',
  sources: { statements: [46] },
  evaluate: model =>
    leaseTablesOf(model).map(table =>
      judge(
        table,
        [
          valueAt(table.properties, 'SSEDescription', 'InaccessibleEncryptionDateTime') === undefined
            ? toConfirm('whether it was ever moved, and its rows compared, is known to people alone')
            : wrong('its key cannot be used: DynamoDB is going to archive it')
        ],
        ''
      )
    )
}
