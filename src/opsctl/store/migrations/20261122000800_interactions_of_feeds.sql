-- What users do, in the service's words, and which feed led to it; each interaction goes to the outbox too.

alter table interactions drop constraint interactions_kind_check;
update interactions set kind = case kind when 'contact' then 'inquiry' else 'hide' end
where kind in ('contact', 'dismiss');
alter table interactions add constraint interactions_kind_check
    check (kind in ('view', 'click', 'save', 'share', 'inquiry', 'purchase', 'hide'));

alter table interactions add column feed_id text check (feed_id <> '');

comment on column interactions.feed_id is
    'The decision that showed the item, where the client said so; decisions are removed earlier than interactions.';

create index interactions_feed on interactions (feed_id) where feed_id is not null;

-- Newest first is how a reader's history is read; the new index holds all that is needed, so the table is not visited.
create index interactions_history on interactions (user_id, occurred_at desc, id desc) include (content_id, kind);
drop index interactions_user;

-- Once a statement, as for content; a batch of 500 interactions pays for one insert-select.
create function public.interactions_to_outbox_insert() returns trigger
language plpgsql set search_path = '' as $$
begin
    insert into public.outbox (aggregate, aggregate_id, operation)
    select 'interaction', new_rows.id, 'upsert' from new_rows order by new_rows.id;
    return null;
end;
$$;

create function public.interactions_to_outbox_delete() returns trigger
language plpgsql set search_path = '' as $$
begin
    insert into public.outbox (aggregate, aggregate_id, operation)
    select 'interaction', old_rows.id, 'delete' from old_rows order by old_rows.id;
    return null;
end;
$$;

create trigger outbox_insert after insert on interactions
    referencing new table as new_rows
    for each statement execute function public.interactions_to_outbox_insert();
create trigger outbox_delete after delete on interactions
    referencing old table as old_rows
    for each statement execute function public.interactions_to_outbox_delete();
