/** Every operation of the contract and its use case. */
import { createApiKey, deleteApiKey, listApiKeys } from './api-keys.ts'
import { listAccessLogRecords } from './access-log-records.ts'
import {
  createAuditSink,
  deleteAuditSink,
  listAuditSinks,
  testAuditSink,
  updateAuditSink,
} from './audit-sinks.ts'
import { exportAuditEvents, listAuditEvents, verifyAuditEvents } from './audit.ts'
import { createConnector, updateConnector } from './change-connector.ts'
import { createAuditCheckpoint, getAuditPublicKey, listAuditCheckpoints } from './checkpoints.ts'
import { completeUpload } from './complete-upload.ts'
import { deleteConnector, getConnector, listConnectors } from './connectors.ts'
import type { Handlers } from './deps.ts'
import { getMarkerOwner } from './get-marker-owner.ts'
import { issueUrl } from './issue-url.ts'
import { issueUrls } from './issue-urls.ts'
import { getMe } from './me.ts'
import { listMembers, removeMember, setMember } from './members.ts'
import { listObjects } from './list-objects.ts'
import { deleteObject } from './objects.ts'
import { openUpload } from './open-upload.ts'
import {
  createServiceAccount,
  deleteServiceAccount,
  listServiceAccounts,
  updateServiceAccount,
} from './service-accounts.ts'
import { signParts } from './sign-parts.ts'
import { createTeam, deleteTeam, getTeam, listTeams, updateTeam } from './teams.ts'
import { abortUpload, getUpload, listUploads } from './uploads.ts'
import { createUser, deleteUser, getUser, listUsers, updateUser } from './users.ts'

import { getPolicies } from './connector-policies.ts'
import { getDoctorReport, runDoctor } from './doctor.ts'
import { cancelMove, getMove, startMove } from './move.ts'
import { applyLogging, planLogging } from './bucket-logging.ts'
import { applyNetwork, planNetwork, verifyNetwork } from './network-restriction.ts'
import { rotateSecrets } from './rotate-secrets.ts'
import { listRoles, createRole, updateRole, deleteRole } from './roles.ts'
import { listRestrictedPrefixes, setRestrictedPrefix, deleteRestrictedPrefix } from './restricted-prefixes.ts'
import { explainAccess } from './explain-access.ts'
import { reviewAccess } from './review-access.ts'
import { listRestrictions, createRestriction, endRestriction } from './restrictions.ts'
import { listBudgets, setBudget, deleteBudget } from './budgets.ts'
import { listShareLinks, createShareLink, deleteShareLink } from './share-links.ts'
import { planRevocation, revoke } from './revocations.ts'
import {
  listIdentityProviders,
  createIdentityProvider,
  updateIdentityProvider,
  deleteIdentityProvider,
} from './identity-providers.ts'
import { testTrustRules } from './test-trust-rules.ts'
import { createTrustRule, deleteTrustRule, listTrustRules, updateTrustRule } from './trust-rules.ts'
import { linkIdentity, listIdentities, unlinkIdentity } from './user-identities.ts'
import { listSessions, deleteSession } from './sessions.ts'
import { deleteLogSource } from './delete-log-source.ts'
import { dismissUnparsedLines, listUnparsedLines } from './unparsed-lines.ts'
import {
  createLogSource,
  getLogSource,
  listLogFiles,
  listLogSources,
  readLogSource,
  updateLogSource,
} from './log-sources.ts'
import { verifyLogging } from './verify-logging.ts'
import { verifyWrite } from './verify-write.ts'
import { erasePerson } from './retention/erase-person.ts'
import { exportPersonData } from './retention/person-data.ts'
import {
  createAuditHold,
  endAuditHold,
  getAuditRetention,
  listAuditHolds,
  setAuditRetention,
} from './retention/policy.ts'
import { createAlert, deleteAlert, listAlerts, testAlert } from './alerts/alerts.ts'
import { updateAlert } from './alerts/update-alert.ts'
import { countFindings, getFinding, listFindings, updateFinding } from './findings.ts'
import { getSecurityReport } from './report/security-report.ts'
import { getUrlUsage } from './report/url-usage.ts'
import { traceUser } from './trace-user.ts'
import { whoAccessed } from './who.ts'

export const handlers: Handlers = {
  getMe,
  issueUrl,
  issueUrls,
  verifyWrite,
  openUpload,
  listUploads,
  getUpload,
  signParts,
  completeUpload,
  abortUpload,
  listObjects,
  deleteObject,
  listTeams,
  createTeam,
  getTeam,
  updateTeam,
  deleteTeam,
  listMembers,
  setMember,
  removeMember,
  listUsers,
  createUser,
  getUser,
  updateUser,
  deleteUser,
  listServiceAccounts,
  createServiceAccount,
  updateServiceAccount,
  deleteServiceAccount,
  listApiKeys,
  createApiKey,
  deleteApiKey,
  listConnectors,
  createConnector,
  getConnector,
  updateConnector,
  deleteConnector,
  runDoctor,
  getDoctorReport,
  getPolicies,
  planNetwork,
  applyNetwork,
  verifyNetwork,
  planLogging,
  applyLogging,
  verifyLogging,
  startMove,
  getMove,
  cancelMove,
  rotateSecrets,
  listAccessLogRecords,
  listUnparsedLines,
  dismissUnparsedLines,
  whoAccessed,
  traceUser,
  getUrlUsage,
  getSecurityReport,
  listFindings,
  countFindings,
  getFinding,
  updateFinding,
  listAlerts,
  createAlert,
  updateAlert,
  deleteAlert,
  testAlert,
  listLogSources,
  createLogSource,
  getLogSource,
  updateLogSource,
  deleteLogSource,
  listLogFiles,
  readLogSource,
  listAuditSinks,
  createAuditSink,
  updateAuditSink,
  deleteAuditSink,
  testAuditSink,
  listAuditEvents,
  exportAuditEvents,
  verifyAuditEvents,
  listAuditCheckpoints,
  createAuditCheckpoint,
  getAuditPublicKey,
  getMarkerOwner,
  getAuditRetention,
  setAuditRetention,
  listAuditHolds,
  createAuditHold,
  endAuditHold,
  exportPersonData,
  erasePerson,
  listRoles,
  createRole,
  updateRole,
  deleteRole,
  listRestrictedPrefixes,
  setRestrictedPrefix,
  deleteRestrictedPrefix,
  explainAccess,
  reviewAccess,
  listRestrictions,
  createRestriction,
  endRestriction,
  listBudgets,
  setBudget,
  deleteBudget,
  listShareLinks,
  createShareLink,
  deleteShareLink,
  planRevocation,
  revoke,
  listIdentityProviders,
  createIdentityProvider,
  updateIdentityProvider,
  deleteIdentityProvider,
  listIdentities,
  linkIdentity,
  unlinkIdentity,
  listTrustRules,
  createTrustRule,
  updateTrustRule,
  deleteTrustRule,
  testTrustRules,
  listSessions,
  deleteSession,
}
