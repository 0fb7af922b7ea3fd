-- How long the trail and the buckets' logs are kept, what is held back from that, and what may be taken out of the trail.

create table audit_retention (
  id smallint primary key check (id = 1),
  -- Days; null: kept for good.
  trail_days bigint,
  access_log_days bigint,
  unparsed_days bigint,
  -- Counts changes of the policy and of holds: whoever takes something away makes sure that it is what they have read.
  revision bigint not null
);
insert into audit_retention (id, revision) values (1, 0);

create table audit_holds (
  id text /*postgres: collate "C"*/ primary key,
  name text /*postgres: collate "C"*/ not null,
  reason text not null,
  -- All that is named must be so for it to cover something; nothing named: everything.
  username text /*postgres: collate "C"*/,
  team text /*postgres: collate "C"*/,
  from_at bigint,
  to_at bigint,
  created_at bigint not null,
  constraint audit_holds_name unique (name)
);

-- Beginnings of chains that may be deleted: up to this event, which has this hash.
create table audit_expiries (
  chain text /*postgres: collate "C"*/ not null,
  through_seq bigint not null,
  hash text not null,
  primary key (chain, through_seq)
);

-- Events whose text may be put in another's place, which names this erasure.
create table audit_erasures (
  chain text /*postgres: collate "C"*/ not null,
  seq bigint not null,
  erasure_id text /*postgres: collate "C"*/ not null,
  primary key (chain, seq, erasure_id)
);

-- What is rare, of one team or user: found by neither alone in a trail of millions. URLs that are given do not enter these.
create index audit_runs_team_type on audit_runs (team, type, at, chain, first_seq)
  where team is not null and type <> 'url.issue';
create index audit_runs_username_type on audit_runs (username, type, at, chain, first_seq)
  where username is not null and type <> 'url.issue';
create index audit_runs_team_deny on audit_runs (team, at, chain, first_seq)
  where team is not null and decision = 'deny';
create index audit_runs_username_deny on audit_runs (username, at, chain, first_seq)
  where username is not null and decision = 'deny';

-- Append only, but for these two. Whoever may change the schema can take this away: the hash chain is what shows that.
/*sqlite:
drop trigger audit_events_no_update;
drop trigger audit_events_no_delete;
drop trigger audit_runs_no_update;
drop trigger audit_runs_no_delete;

create trigger audit_expiries_insert before insert on audit_expiries
when not exists (select 1 from audit_events e where e.chain = new.chain and e.seq = new.through_seq and e.hash = new.hash)
begin select raise(abort, 'audit_expiries is about events that are there'); end;
create trigger audit_expiries_no_update before update on audit_expiries
begin select raise(abort, 'audit_expiries is append-only'); end;
create trigger audit_expiries_no_delete before delete on audit_expiries
begin select raise(abort, 'audit_expiries is append-only'); end;
create trigger audit_erasures_no_update before update on audit_erasures
begin select raise(abort, 'audit_erasures is append-only'); end;
create trigger audit_erasures_no_delete before delete on audit_erasures
begin select raise(abort, 'audit_erasures is append-only'); end;

create trigger audit_events_no_delete before delete on audit_events
when not exists (select 1 from audit_expiries x where x.chain = old.chain and x.through_seq >= old.seq)
begin select raise(abort, 'audit_events is append-only'); end;
create trigger audit_runs_no_delete before delete on audit_runs
when not exists (select 1 from audit_expiries x where x.chain = old.chain and x.through_seq >= old.last_seq)
begin select raise(abort, 'audit_runs is append-only'); end;

create trigger audit_events_no_update before update on audit_events
when (new.chain = old.chain and new.seq = old.seq and new.run_seq = old.run_seq and new.at = old.at
  and new.hash = old.hash and new.grant_id is old.grant_id
  and ((new.object_key is old.object_key and new.key_place is old.key_place)
    or (new.object_key is null and new.key_place is null))
  and exists (select 1 from audit_erasures x where x.chain = old.chain and x.seq = old.seq
    and x.erasure_id = json_extract(new.event, '$.erased'))) is not true
begin select raise(abort, 'audit_events is append-only'); end;
create trigger audit_runs_no_update before update on audit_runs
when (new.chain = old.chain and new.first_seq = old.first_seq and new.last_seq = old.last_seq and new.at = old.at
  and new.type = old.type and new.decision = old.decision and new.team is old.team
  and exists (select 1 from audit_erasures x where x.chain = old.chain
    and x.seq between old.first_seq and old.last_seq
    and x.erasure_id = new.username and x.erasure_id = new.principal_id)) is not true
begin select raise(abort, 'audit_runs is append-only'); end;
*/
/*postgres:
drop trigger audit_events_append_only on audit_events;
drop trigger audit_runs_append_only on audit_runs;
create trigger audit_events_no_truncate before truncate on audit_events
for each statement execute function refuse_audit_change();
create trigger audit_runs_no_truncate before truncate on audit_runs
for each statement execute function refuse_audit_change();
create trigger audit_expiries_append_only before update or delete or truncate on audit_expiries
for each statement execute function refuse_audit_change();
create trigger audit_erasures_append_only before update or delete or truncate on audit_erasures
for each statement execute function refuse_audit_change();

create function check_audit_expiry() returns trigger language plpgsql as $$
begin
  if not exists (select 1 from audit_events e
    where e.chain = new.chain and e.seq = new.through_seq and e.hash = new.hash) then
    raise exception 'audit_expiries is about events that are there';
  end if;
  return new;
end $$;
create trigger audit_expiries_insert before insert on audit_expiries
for each row execute function check_audit_expiry();

create function check_audit_event_delete() returns trigger language plpgsql as $$
begin
  if not exists (select 1 from audit_expiries x where x.chain = old.chain and x.through_seq >= old.seq) then
    raise exception 'audit_events is append-only';
  end if;
  return old;
end $$;
create trigger audit_events_no_delete before delete on audit_events
for each row execute function check_audit_event_delete();
create function check_audit_run_delete() returns trigger language plpgsql as $$
begin
  if not exists (select 1 from audit_expiries x where x.chain = old.chain and x.through_seq >= old.last_seq) then
    raise exception 'audit_runs is append-only';
  end if;
  return old;
end $$;
create trigger audit_runs_no_delete before delete on audit_runs
for each row execute function check_audit_run_delete();

create function check_audit_event_update() returns trigger language plpgsql as $$
begin
  if (new.chain = old.chain and new.seq = old.seq and new.run_seq = old.run_seq and new.at = old.at
    and new.hash = old.hash and new.grant_id is not distinct from old.grant_id
    and ((new.object_key is not distinct from old.object_key and new.key_place is not distinct from old.key_place)
      or (new.object_key is null and new.key_place is null))
    and exists (select 1 from audit_erasures x where x.chain = old.chain and x.seq = old.seq
      and x.erasure_id = new.event::json ->> 'erased')) is not true then
    raise exception 'audit_events is append-only';
  end if;
  return new;
end $$;
create trigger audit_events_no_update before update on audit_events
for each row execute function check_audit_event_update();
create function check_audit_run_update() returns trigger language plpgsql as $$
begin
  if (new.chain = old.chain and new.first_seq = old.first_seq and new.last_seq = old.last_seq and new.at = old.at
    and new.type = old.type and new.decision = old.decision and new.team is not distinct from old.team
    and exists (select 1 from audit_erasures x where x.chain = old.chain
      and x.seq between old.first_seq and old.last_seq
      and x.erasure_id = new.username and x.erasure_id = new.principal_id)) is not true then
    raise exception 'audit_runs is append-only';
  end if;
  return new;
end $$;
create trigger audit_runs_no_update before update on audit_runs
for each row execute function check_audit_run_update();
*/
