-- Who may ask, what they may, limits, and links. Rules that a decision reads are JSON in one column, so that the query of the
-- hot path reads them with the team: one moment, one row, the same in every replica.

-- Roles are names from here on: a built-in one, or one of `roles`. Column and check go together.
alter table principals add column org_role text /*postgres: collate "C"*/ not null default 'member';
update principals set org_role = organisation_role;
alter table principals drop column organisation_role;
alter table principals rename column org_role to organisation_role;
alter table members add column team_role text /*postgres: collate "C"*/ not null default 'viewer';
update members set team_role = role;
alter table members drop column role;
alter table members rename column team_role to role;
create index members_role on members (role);
-- What keeps a membership, or a role of the organisation: `provider:<id>` (groups of an identity provider); empty: made by hand.
-- Of a role it says which one, too (`provider:<id>:<role>`), and counts only while the user has that one.
alter table members add column came_by text /*postgres: collate "C"*/ not null default '';
alter table principals add column role_came_by text /*postgres: collate "C"*/ not null default '';
-- What the organisation's directory says further (SCIM): JSON, empty for nothing.
alter table principals add column profile text not null default '';
alter table principals add column external_id text /*postgres: collate "C"*/;
alter table principals add column updated_at bigint not null default 0;
create unique index principals_external_id on principals (external_id) where external_id is not null;
-- A directory asks for a userName in any case (RFC 7643 §8.7.1); letters beyond ASCII keep theirs, on both engines.
create index principals_username_lower on principals (lower(username));
alter table teams add column profile text not null default '';
alter table teams add column external_id text /*postgres: collate "C"*/;
create unique index teams_external_id on teams (external_id) where external_id is not null;
alter table teams add column updated_at bigint not null default 0;

-- Sessions (and delegation keys) from before then are not used any more; ms since the epoch.
alter table connectors add column sessions_from bigint not null default 0;

create table roles (
  scope text not null check (scope in ('team', 'organisation')),
  name text /*postgres: collate "C"*/ not null,
  description text not null,
  -- JSON: names of permissions.
  permissions text not null,
  created_at bigint not null,
  primary key (scope, name)
);

-- Sessions, access tokens and share links are keys like any other: found, expired and revoked in one way.
alter table api_keys add column kind text not null default 'apiKey'
  check (kind in ('apiKey', 'session', 'accessToken', 'shareLink'));
-- JSON; empty: whatever its owner may.
alter table api_keys add column scope text not null default '';
-- It ends when it was not used for so long; null: it does not.
alter table api_keys add column idle_ms bigint;
-- What it came by: `provider:<id>`, `trust:<id>`, `device`; empty: made by hand. They end with it.
alter table api_keys add column came_by text /*postgres: collate "C"*/ not null default '';
create index api_keys_came_by on api_keys (came_by) where came_by <> '';
create index api_keys_expired on api_keys (expires_at) where kind <> 'apiKey';

create table share_links (
  -- Of the key that it is.
  id text /*postgres: collate "C"*/ primary key references api_keys (id) on delete cascade,
  team_id text /*postgres: collate "C"*/ not null references teams (id) on delete cascade,
  object_key text /*postgres: collate "C"*/,
  prefix text /*postgres: collate "C"*/,
  uses_max bigint,
  uses bigint not null default 0,
  check ((object_key is null) <> (prefix is null))
);
create index share_links_team on share_links (team_id, id);
-- Who leaves a team, on whatever path, leaves no links behind that would open again with a later membership.
/*sqlite:
create trigger members_links after delete on members
begin
  delete from api_keys
  where kind = 'shareLink' and principal_id = old.principal_id
    and id in (select l.id from share_links l where l.team_id = old.team_id);
end;
*/
/*postgres:
create function delete_member_links() returns trigger language plpgsql as $$
begin
  delete from api_keys
  where kind = 'shareLink' and principal_id = old.principal_id
    and id in (select l.id from share_links l where l.team_id = old.team_id);
  return null;
end $$;
create trigger members_links after delete on members
for each row execute function delete_member_links();
*/

create table restricted_prefixes (
  id text /*postgres: collate "C"*/ primary key,
  team_id text /*postgres: collate "C"*/ not null references teams (id) on delete cascade,
  -- Relative to the team.
  prefix text /*postgres: collate "C"*/ not null,
  -- JSON: prefix, and who may (`domain/access-rules.ts`).
  rule text not null,
  created_at bigint not null,
  constraint restricted_prefixes_prefix unique (team_id, prefix)
);
-- Who leaves a team loses what its restricted prefixes gave, on whatever path: back in the team, it has to be named again.
-- An id is emptied, which names nobody. A quote within a prefix is escaped in JSON: no prefix looks like an id.
/*sqlite:
create trigger members_prefixes after delete on members
begin
  update restricted_prefixes
  set rule = replace(rule, '"principalId":"' || old.principal_id || '"', '"principalId":""')
  where team_id = old.team_id and instr(rule, '"principalId":"' || old.principal_id || '"') > 0;
end;
*/
/*postgres:
create function empty_prefix_grants() returns trigger language plpgsql as $$
begin
  update restricted_prefixes
  set rule = replace(rule, '"principalId":"' || old.principal_id || '"', '"principalId":""')
  where team_id = old.team_id and strpos(rule, '"principalId":"' || old.principal_id || '"') > 0;
  return null;
end $$;
create trigger members_prefixes after delete on members
for each row execute function empty_prefix_grants();
*/

create table restrictions (
  id text /*postgres: collate "C"*/ primary key,
  -- Whom and where it is about; null: everybody, everywhere.
  principal_id text /*postgres: collate "C"*/ references principals (id) on delete cascade,
  team_id text /*postgres: collate "C"*/ references teams (id) on delete cascade,
  -- JSON, without the two (`domain/access-rules.ts`).
  rule text not null,
  until_at bigint,
  -- Made by the organisation, not by a team's admin.
  of_organisation smallint not null check (of_organisation in (0, 1)),
  created_by text not null,
  created_at bigint not null
);
create index restrictions_principal on restrictions (principal_id);
create index restrictions_team on restrictions (team_id);

create table budgets (
  id text /*postgres: collate "C"*/ primary key,
  principal_id text /*postgres: collate "C"*/ references principals (id) on delete cascade,
  team_id text /*postgres: collate "C"*/ references teams (id) on delete cascade,
  -- JSON: id and limits.
  rule text not null,
  created_at bigint not null,
  check ((principal_id is null) <> (team_id is null))
);
create unique index budgets_principal on budgets (principal_id) where principal_id is not null;
create unique index budgets_team on budgets (team_id) where team_id is not null;
-- What was used, by slots of time; one row is changed with each use, in the same write as its record.
create table budget_uses (
  budget_id text /*postgres: collate "C"*/ not null references budgets (id) on delete cascade,
  limit_name text /*postgres: collate "C"*/ not null,
  -- The slot ends then, and is forgotten afterwards; ms since the epoch.
  ends_at bigint not null,
  used bigint not null,
  primary key (budget_id, limit_name, ends_at)
);

create table identity_providers (
  id text /*postgres: collate "C"*/ primary key,
  name text /*postgres: collate "C"*/ not null,
  enabled smallint not null check (enabled in (0, 1)),
  -- JSON, without the secret.
  settings text not null,
  -- Sealed with the master key; empty: none.
  sealed_secret text not null,
  created_at bigint not null,
  constraint identity_providers_name unique (name)
);
-- Whom a provider's subject is here.
create table external_identities (
  issuer text /*postgres: collate "C"*/ not null,
  subject text /*postgres: collate "C"*/ not null,
  principal_id text /*postgres: collate "C"*/ not null references principals (id) on delete cascade,
  created_at bigint not null,
  primary key (issuer, subject)
);
create index external_identities_principal on external_identities (principal_id);

-- Logins that were finished: none is finished twice, in whichever replica.
create table used_logins (
  -- SHA-256 of its `state`, hex.
  id text /*postgres: collate "C"*/ primary key,
  expires_at bigint not null
);

-- A login at a terminal that waits for its confirmation in a browser (RFC 8628).
create table device_logins (
  -- SHA-256 of the device code, hex.
  id text /*postgres: collate "C"*/ primary key,
  user_code text /*postgres: collate "C"*/ not null,
  -- Who confirmed it; null: nobody yet.
  principal_id text /*postgres: collate "C"*/ references principals (id) on delete cascade,
  state text not null check (state in ('waiting', 'confirmed', 'refused')),
  -- Of who confirmed it: what their session came by.
  came_by text /*postgres: collate "C"*/ not null default '',
  -- JSON: address and agent of the terminal.
  asked text not null,
  -- When the terminal last asked how it goes, and how long it is to wait between two times.
  asked_at bigint not null,
  interval_ms bigint not null,
  created_at bigint not null,
  expires_at bigint not null,
  constraint device_logins_user_code unique (user_code)
);

create table trust_rules (
  id text /*postgres: collate "C"*/ primary key,
  name text /*postgres: collate "C"*/ not null,
  enabled smallint not null check (enabled in (0, 1)),
  issuer text /*postgres: collate "C"*/ not null,
  principal_id text /*postgres: collate "C"*/ not null references principals (id) on delete cascade,
  -- JSON.
  settings text not null,
  created_at bigint not null,
  constraint trust_rules_name unique (name)
);
create index trust_rules_issuer on trust_rules (issuer);
create index trust_rules_principal on trust_rules (principal_id);

-- When somebody last asked for anything in a team, to the hour: what a review of access looks at.
create table team_uses (
  principal_id text /*postgres: collate "C"*/ not null references principals (id) on delete cascade,
  team_id text /*postgres: collate "C"*/ not null references teams (id) on delete cascade,
  last_used_at bigint not null,
  primary key (principal_id, team_id)
);
create index team_uses_team on team_uses (team_id);
-- What the record tells of the time before.
insert into team_uses (principal_id, team_id, last_used_at)
select p.id, t.id, max(r.at)
from audit_runs r
join principals p on p.id = r.principal_id
join teams t on t.name = r.team and t.created_at <= r.at
where r.decision = 'allow' and (r.type in ('url.issue', 'upload.open', 'object.list', 'object.delete'))
group by p.id, t.id;
