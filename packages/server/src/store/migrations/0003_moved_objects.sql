-- Who is at work on a move, and until when that holds: one process at a time.
alter table moves add column lease_owner text not null default '';
alter table moves add column lease_until bigint not null default 0;

-- What a running move knows of an object.
create table moved_objects (
  move_id text /*postgres: collate "C"*/ not null references moves (id) on delete cascade,
  -- Relative to the team.
  object_key text /*postgres: collate "C"*/ not null,
  -- The version in the old place that the new place holds or has gone beyond. Empty: there was none. `?`: not known.
  covered text not null,
  -- The version in the new place that is a copy made by the move. Empty: there is none. `?`: one may be half made.
  copied text not null,
  -- Until then somebody may hold a URL to write it in the new place.
  write_until bigint not null,
  -- Until then somebody copies it: no URL to write it in the new place may be given.
  claimed_until bigint not null,
  revision bigint not null,
  primary key (move_id, object_key)
);
