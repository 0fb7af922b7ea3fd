-- Refusals of one object, and what else was done with it but issuing URLs, are few among the URLs given for it: else each of
-- those would be read to see that it is none. No URL that was given enters it.
create index audit_events_key_ungranted on audit_events (key_place) where key_place is not null and grant_id is null;
