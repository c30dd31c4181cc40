-- How items did lately: sums that fade, kept up to date from the outbox, so that no query walks all interactions.

create table content_popularity (
    content_id bigint primary key references content (id) on delete cascade,
    views double precision not null default 0 check (views >= 0 and views < 'Infinity'),
    positives double precision not null default 0 check (positives >= 0 and positives < 'Infinity'),
    negatives double precision not null default 0 check (negatives >= 0 and negatives < 'Infinity'),
    as_of timestamptz not null
);

comment on table content_popularity is
    'Faded counts of interactions by item; an interaction counts half after one half-life, as seen from as_of.';

create table popularity_totals (
    only_row boolean primary key default true check (only_row),
    views double precision not null default 0,
    positives double precision not null default 0,
    negatives double precision not null default 0,
    as_of timestamptz not null default clock_timestamp()
);

comment on table popularity_totals is 'The same counts over all items: the share that an unknown item starts from.';

insert into popularity_totals default values;

alter table content_popularity enable row level security;
alter table popularity_totals enable row level security;
