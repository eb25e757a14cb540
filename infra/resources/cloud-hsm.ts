import type { ResolvedPlan } from '../../pipeline/plan.ts'
import { cloudHsmClusterId } from '../plan-services.ts'
import { retained, type TemplateResources } from '../template.ts'

/** The cluster alone: neither HSMs nor what is in them can be made by a template, see `planSteps`. */
export function cloudHsmResources({ name, services: { cloudHsm } }: ResolvedPlan): TemplateResources {
  if (cloudHsm === undefined) return {}
  return {
    [cloudHsmClusterId]: {
      Type: 'AWS::CloudHSM::Cluster',
      ...retained,
      Properties: {
        HsmType: 'hsm2m.medium',
        // It cannot be changed later.
        Mode: cloudHsm.mode,
        SubnetIds: cloudHsm.subnetIds,
        BackupRetentionPolicy: { Type: 'DAYS', Value: String(cloudHsm.backupRetentionDays) },
        Tags: [
          { Key: 'key-origin', Value: 'AWS_CLOUDHSM' },
          { Key: 'pipeline', Value: name }
        ]
      }
    }
  }
}
