/** Our audit events by W&B's names of actions (docs `platform/hosting/monitoring-usage/audit-logging`, "Actions"). */
import type { AuditEvent, AuditEventType } from '@signpost/contract'

/** Those of W&B's that something here is. */
type WandbAction =
  | 'artifact:create'
  | 'artifact:delete'
  | 'artifact:read'
  | 'organization:update_member'
  | 'team:create'
  | 'team:create_service_account'
  | 'team:delete'
  | 'team:invite_user'
  | 'team:uninvite'
  | 'user:create'
  | 'user:create_api_key'
  | 'user:deactivate'
  | 'user:delete_api_key'
  | 'user:login'
  | 'user:logout'
  | 'user:permanently_delete'
  | 'user:reactivate'
  | 'user:update'

/** `own`: W&B has no name for it, and it gets our own, written as theirs are. */
type Naming = WandbAction | 'own' | ((event: AuditEvent) => WandbAction | 'own')

const namings: Record<AuditEventType, Naming> = {
  'chain.open': 'own',
  'auth.refuse': 'own',
  'access.refuse': 'own',
  'url.issue': urlAction,
  'upload.open': 'own',
  'upload.complete': 'artifact:create',
  'upload.abort': 'own',
  'upload.sweep': 'own',
  'object.list': 'own',
  'object.delete': 'artifact:delete',
  'team.create': 'team:create',
  'team.update': 'own',
  'team.delete': 'team:delete',
  'member.set': 'team:invite_user',
  'member.remove': 'team:uninvite',
  'user.create': 'user:create',
  'user.update': userAction,
  'user.delete': 'user:permanently_delete',
  'serviceAccount.create': 'team:create_service_account',
  'serviceAccount.update': 'own',
  'serviceAccount.delete': 'own',
  'apiKey.create': 'user:create_api_key',
  'apiKey.delete': 'user:delete_api_key',
  'connector.create': 'own',
  'connector.update': 'own',
  'connector.delete': 'own',
  'connector.doctor': 'own',
  'connector.network': 'own',
  'connector.logging': 'own',
  'connector.credential': 'own',
  'object.verify': 'own',
  'move.start': 'own',
  'move.switch': 'own',
  'move.finish': 'own',
  'move.cancel': 'own',
  'secrets.rotate': 'own',
  'audit.read': 'own',
  'audit.checkpoint': 'own',
  'audit.retention': 'own',
  'audit.expire': 'own',
  'audit.hold': 'own',
  'audit.release': 'own',
  'audit.erase': 'own',
  'person.read': 'own',
  'marker.read': 'own',
  'logs.ingest': 'own',
  'logs.dismiss': 'own',
  'auth.login': 'user:login',
  'auth.logout': 'user:logout',
  'auth.token': 'own',
  'session.delete': 'own',
  'identityProvider.create': 'own',
  'identityProvider.update': 'own',
  'identityProvider.delete': 'own',
  'trustRule.create': 'own',
  'trustRule.update': 'own',
  'trustRule.delete': 'own',
  'trustRule.test': 'own',
  'role.create': 'own',
  'role.update': 'own',
  'role.delete': 'own',
  'prefix.set': 'own',
  'prefix.delete': 'own',
  'link.create': 'own',
  'link.delete': 'own',
  'restriction.create': 'own',
  'restriction.end': 'own',
  'budget.set': 'own',
  'budget.delete': 'own',
  'access.explain': 'own',
  'access.review': 'own',
  'revocation.plan': 'own',
  'revocation.step': 'own',
  'logSource.create': 'own',
  'logSource.update': 'own',
  'logSource.delete': 'own',
  'logSource.read': 'own',
  'finding.update': 'own',
  'alert.create': 'own',
  'alert.update': 'own',
  'alert.delete': 'own',
  'alert.test': 'own',
  'alert.send': 'own',
  'auditSink.create': 'own',
  'auditSink.update': 'own',
  'auditSink.delete': 'own',
  'auditSink.test': 'own',
  'scim.read': 'own',
  'admin.recover': 'own',
}

export function wandbActionOf(event: AuditEvent): string {
  // A newer version, beside this one on the same database, may write a type that is not in the table.
  const naming: Naming = Object.hasOwn(namings, event.type) ? namings[event.type] : 'own'
  const name = typeof naming === 'function' ? naming(event) : naming
  return name === 'own' ? ownName(event.type) : name
}

/** `serviceAccount.update` -> `service_account:update` */
function ownName(type: string): string {
  return type.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`).replace('.', ':')
}

/** A batch that was refused as a whole names no action. */
function urlAction({ action, method }: AuditEvent): WandbAction | 'own' {
  if (method === 'DELETE') return 'artifact:delete'
  if (action === 'write') return 'artifact:create'
  return action === 'read' ? 'artifact:read' : 'own'
}

function userAction({ details }: AuditEvent): WandbAction {
  const { active, organisationRole } = details ?? {}
  if (active !== undefined) return active === true ? 'user:reactivate' : 'user:deactivate'
  return organisationRole === undefined ? 'user:update' : 'organization:update_member'
}
