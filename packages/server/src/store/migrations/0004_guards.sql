-- Looking at what was written: who else may have written the same object, and what is over and may be forgotten.

create index verifications_object on verifications (connector_id, object_key);
drop index verifications_connector;
create index verifications_over on verifications (due_at) where state <> 'waiting';

-- Of the whole object, JSON; empty: none was given.
alter table uploads add column checksum text not null default '';
