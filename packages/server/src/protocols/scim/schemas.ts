/** User and Group as Signpost keeps them (RFC 7643 §4), and its own extension. */
import type { Attribute, ResourceSchema } from './attributes.ts'

export const userUrn = 'urn:ietf:params:scim:schemas:core:2.0:User'
export const groupUrn = 'urn:ietf:params:scim:schemas:core:2.0:Group'
export const teamUrn = 'urn:signpost:params:scim:schemas:extension:2.0:Team'
const enterpriseUrn = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:user'

const text = (name: string, description: string, more: Partial<Attribute> = {}): Attribute => ({
  name,
  type: 'string',
  description,
  ...more,
})
const reference = (description: string, to: string): Attribute => ({
  name: '$ref',
  type: 'reference',
  referenceTypes: [to],
  description,
  caseExact: true,
  mutability: 'readOnly',
})

const nameParts = ['formatted', 'familyName', 'givenName', 'middleName', 'honorificPrefix', 'honorificSuffix']

export const userSchema: ResourceSchema = {
  urn: userUrn,
  name: 'User',
  description: 'A person who uses Signpost',
  endpoint: '/Users',
  extensions: [],
  // As W&B calls it.
  aliases: new Map([['organizationrole', 'roles']]),
  unkept: new Set([
    'nickname',
    'profileurl',
    'title',
    'usertype',
    'preferredlanguage',
    'locale',
    'timezone',
    'password',
    'phonenumbers',
    'ims',
    'photos',
    'addresses',
    'entitlements',
    'x509certificates',
    enterpriseUrn,
  ]),
  attributes: [
    text('userName', 'Stands in URLs, bucket logs and audit events; cannot be changed', {
      required: true,
      mutability: 'immutable',
      uniqueness: 'server',
      max: 128,
    }),
    {
      name: 'name',
      type: 'complex',
      description: "Parts of the person's name",
      subAttributes: nameParts.map((name) => text(name, 'For people only', { max: 256 })),
    },
    text('displayName', 'For people only', { max: 256 }),
    {
      name: 'active',
      type: 'boolean',
      keptByPut: true,
      description: 'false: every key, session and token is refused from the next request on',
    },
    {
      name: 'emails',
      type: 'complex',
      multiValued: true,
      description: 'E-mail addresses',
      max: 20,
      subAttributes: [
        text('value', 'The address', { required: true, max: 320 }),
        text('display', 'For people only', { max: 256 }),
        text('type', 'What it is for', { max: 64, canonicalValues: ['work', 'home', 'other'] }),
        { name: 'primary', type: 'boolean', description: 'At most one is' },
      ],
    },
    {
      name: 'groups',
      type: 'complex',
      multiValued: true,
      mutability: 'readOnly',
      description: 'Teams that the user is in; changed at the group',
      subAttributes: [
        text('value', "The group's id", { caseExact: true, mutability: 'readOnly' }),
        reference('The group', 'Group'),
        text('display', "The team's name", { mutability: 'readOnly' }),
        text('type', 'Always direct', { mutability: 'readOnly', canonicalValues: ['direct'] }),
      ],
    },
    {
      name: 'roles',
      type: 'complex',
      multiValued: true,
      keptByPut: true,
      description: 'The one role in the organisation: admin, member, viewer, auditor, or a role of its own',
      max: 1,
      subAttributes: [
        text('value', "The role's name", { required: true, caseExact: true, max: 63 }),
        text('display', 'For people only; not kept', { max: 256 }),
        text('type', 'Not kept', { max: 64 }),
        { name: 'primary', type: 'boolean', description: 'Always true' },
      ],
    },
  ],
}

export const groupSchema: ResourceSchema = {
  urn: groupUrn,
  name: 'Group',
  description: 'A team',
  endpoint: '/Groups',
  unkept: new Set(),
  attributes: [
    text('displayName', "The team's name: 1 to 63 lower-case letters, digits and dashes; cannot be changed", {
      required: true,
      caseExact: true,
      mutability: 'immutable',
      uniqueness: 'server',
      max: 256,
    }),
    {
      name: 'members',
      type: 'complex',
      multiValued: true,
      distinctByValue: true,
      keptByPut: true,
      description: 'Users in the team; its service accounts are not among them',
      subAttributes: [
        text('value', "The user's id", { required: true, caseExact: true, mutability: 'immutable', max: 64 }),
        reference('The user', 'User'),
        text('display', "The user's name", { mutability: 'readOnly' }),
        text('type', 'Always User', { mutability: 'immutable', canonicalValues: ['User'], max: 16 }),
        text('role', 'Role in the team: viewer, member, admin, or a role of its own', {
          caseExact: true,
          max: 63,
        }),
      ],
    },
  ],
  extensions: [
    {
      name: teamUrn,
      type: 'complex',
      keptByPut: true,
      description: 'Where the objects of the team lie, and what its members are',
      subAttributes: [
        text('connector', "Name of the team's connector; none: the instance's default", {
          caseExact: true,
          keptByPut: true,
          mutability: 'immutable',
          max: 63,
        }),
        text('prefix', "What stands before every object key of the team; the team's name and / unless told", {
          caseExact: true,
          keptByPut: true,
          mutability: 'immutable',
          max: 512,
        }),
        text('memberRole', 'Role of those who are added without one; member unless told', {
          caseExact: true,
          max: 63,
        }),
      ],
    },
  ],
}
