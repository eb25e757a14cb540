import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { retained, type TemplateResources } from '../template.ts'

export const cloudHsmClusterId = 'CloudHsmCluster'

/** The cluster alone: neither HSMs nor what is in them can be made by a template, see `planSteps`. */
export function cloudHsmResources({ services: { cloudHsm } }: ResolvedPlan): TemplateResources {
  if (cloudHsm === undefined) return {}
  return {
    [cloudHsmClusterId]: {
      Type: 'AWS::CloudHSM::Cluster',
      ...retained,
      Properties: {
        HsmType: 'hsm2m.medium',
        // It cannot be changed later.
        Mode: 'FIPS',
        SubnetIds: cloudHsm.subnetIds,
        BackupRetentionPolicy: { Type: 'DAYS', Value: String(cloudHsm.backupRetentionDays) },
        Tags: [{ Key: 'key-origin', Value: 'AWS_CLOUDHSM' }]
      }
    }
  }
}
