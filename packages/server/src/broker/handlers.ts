/** Every operation of the contract and its use case. */
import { createApiKey, deleteApiKey, listApiKeys } from './api-keys.ts'
import { exportAuditEvents, listAuditEvents, verifyAuditEvents } from './audit.ts'
import { createConnector, updateConnector } from './change-connector.ts'
import { completeUpload } from './complete-upload.ts'
import { checkConnector, deleteConnector, getConnector, listConnectors } from './connectors.ts'
import type { Handlers } from './deps.ts'
import { getMarkerOwner } from './get-marker-owner.ts'
import { issueUrl } from './issue-url.ts'
import { issueUrls } from './issue-urls.ts'
import { getMe } from './me.ts'
import { listMembers, removeMember, setMember } from './members.ts'
import { deleteObject, listObjects } from './objects.ts'
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

export const handlers: Handlers = {
  getMe,
  issueUrl,
  issueUrls,
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
  checkConnector,
  listAuditEvents,
  exportAuditEvents,
  verifyAuditEvents,
  getMarkerOwner,
}
