-- What an experiment showed to whom, and what was measured afterwards.

create table experiment_exposures (
    id bigint generated always as identity primary key,
    idempotency_key text not null unique check (idempotency_key <> ''),
    experiment text not null check (experiment <> ''),
    unit_id text not null check (unit_id <> ''),
    variant text not null check (variant <> ''),
    exposed_at timestamptz not null,
    attributes jsonb not null default '{}' check (jsonb_typeof(attributes) = 'object')
);

comment on table experiment_exposures is
    'Each time a unit saw a variant; a unit with two variants of one experiment is a fault that analysis must see.';

create index experiment_exposures_unit on experiment_exposures (experiment, unit_id, exposed_at);

create table experiment_metrics (
    id bigint generated always as identity primary key,
    idempotency_key text not null unique check (idempotency_key <> ''),
    metric text not null check (metric <> ''),
    unit_id text not null check (unit_id <> ''),
    -- Neither NaN nor infinity: one such value would spoil every mean.
    value double precision not null check (value > '-Infinity' and value < 'Infinity'),
    observed_at timestamptz not null
);

comment on table experiment_metrics is
    'What was measured of a unit; analysis joins it to exposures that came before.';

create index experiment_metrics_unit on experiment_metrics (metric, unit_id, observed_at);

alter table experiment_exposures enable row level security;
alter table experiment_metrics enable row level security;
