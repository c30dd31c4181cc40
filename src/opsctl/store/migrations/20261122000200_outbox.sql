-- The outbox: every change of the truth, in its own transaction, for consumers such as the vector collections.

create table outbox (
    sequence bigint generated always as identity primary key,
    transaction_id xid8 not null default pg_current_xact_id(),
    aggregate text not null check (aggregate <> ''),
    aggregate_id bigint not null,
    operation text not null check (operation in ('upsert', 'delete')),
    payload_version integer not null default 1 check (payload_version > 0),
    created_at timestamptz not null default clock_timestamp()
);

comment on table outbox is
    'Changes of the truth in the order (transaction_id, sequence); consumers read outbox_ready, never this table.';
comment on column outbox.payload_version is
    'Version of the shape in which a consumer finds the aggregate; raised when that shape changes.';

-- Consumers walk in exactly this order.
create index outbox_order on outbox (aggregate, transaction_id, sequence);

create table outbox_watermarks (
    consumer text primary key check (consumer <> ''),
    last_transaction_id xid8 not null default '0',
    last_sequence bigint not null default 0 check (last_sequence >= 0),
    updated_at timestamptz not null default clock_timestamp()
);

comment on table outbox_watermarks is
    'How far each consumer has followed: the last pair (transaction_id, sequence) that it has applied.';

-- Why not simply `sequence > watermark`: a sequence is handed out when a row is written, but the row is seen only
-- when its transaction commits. A consumer that remembers the highest sequence it saw misses a lower one that commits
-- later. So this view shows only rows of transactions older than the oldest one still in progress
-- (pg_snapshot_xmin): nothing can appear among those any more. And since an old transaction may write a high
-- sequence beside a younger one with a low sequence, the order and the watermark are the pair, not the sequence.
create view outbox_ready with (security_invoker = true) as
    select sequence, transaction_id, aggregate, aggregate_id, operation, payload_version, created_at
    from outbox
    where transaction_id < pg_snapshot_xmin(pg_current_snapshot());

comment on view outbox_ready is
    'Outbox rows that a consumer may read: where (transaction_id, sequence) > watermark, order by that pair.';

-- Once a statement, not once a row: a bulk load of 26,000 rows pays for one insert-select.
create function public.content_to_outbox_insert() returns trigger
language plpgsql set search_path = '' as $$
begin
    insert into public.outbox (aggregate, aggregate_id, operation)
    select 'content', new_rows.id, 'upsert' from new_rows order by new_rows.id;
    return null;
end;
$$;

-- A touched row without a change writes nothing; a changed id is a delete of the old one and an upsert of the new.
-- It has to be a full join: PL/pgSQL keeps the plan of the first call, and a plan that was made for one row may hold a
-- nested loop, which takes hours for 50,000 rows; a full join is always a hash or merge join.
create function public.content_to_outbox_update() returns trigger
language plpgsql set search_path = '' as $$
begin
    insert into public.outbox (aggregate, aggregate_id, operation)
    select
        'content',
        coalesce(new_rows.id, old_rows.id),
        case when new_rows.id is null then 'delete' else 'upsert' end
    from old_rows full join new_rows on new_rows.id = old_rows.id
    where old_rows is distinct from new_rows
    order by new_rows.id nulls first, old_rows.id;
    return null;
end;
$$;

create function public.content_to_outbox_delete() returns trigger
language plpgsql set search_path = '' as $$
begin
    insert into public.outbox (aggregate, aggregate_id, operation)
    select 'content', old_rows.id, 'delete' from old_rows order by old_rows.id;
    return null;
end;
$$;

create function public.content_to_outbox_truncate() returns trigger
language plpgsql set search_path = '' as $$
begin
    insert into public.outbox (aggregate, aggregate_id, operation)
    select 'content', content.id, 'delete' from public.content order by content.id;
    return null;
end;
$$;

create trigger outbox_insert after insert on content
    referencing new table as new_rows
    for each statement execute function public.content_to_outbox_insert();
create trigger outbox_update after update on content
    referencing old table as old_rows new table as new_rows
    for each statement execute function public.content_to_outbox_update();
create trigger outbox_delete after delete on content
    referencing old table as old_rows
    for each statement execute function public.content_to_outbox_delete();
create trigger outbox_truncate before truncate on content
    for each statement execute function public.content_to_outbox_truncate();

alter table outbox enable row level security;
alter table outbox_watermarks enable row level security;
