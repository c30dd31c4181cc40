-- What was learned, version by version: whoever adds version n has read version n - 1, or the primary key refuses.

create table thompson_arms (
    version integer primary key check (version > 0),
    state jsonb not null check (jsonb_typeof(state) = 'object'),
    learned_at timestamptz not null default clock_timestamp()
);

comment on table thompson_arms is 'Beta parameters of the exploration arms; the highest version holds.';

create table agent_policy (
    version integer primary key check (version > 0),
    state jsonb not null check (jsonb_typeof(state) = 'object'),
    learned_at timestamptz not null default clock_timestamp()
);

comment on table agent_policy is 'Means and spreads of the agents'' weights; the highest version holds.';

alter table thompson_arms enable row level security;
alter table agent_policy enable row level security;
