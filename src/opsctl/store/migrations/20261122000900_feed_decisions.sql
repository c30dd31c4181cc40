-- Why a feed was as it was: what learning needs of each decision, until its reward is known, and a while longer.

create table feed_decisions (
    feed_id text primary key check (feed_id <> '' and length(feed_id) <= 64),
    user_id bigint not null,
    decided_at timestamptz not null,
    bucket text not null default '',
    arm text check (arm <> ''),
    propensity double precision check (propensity > 0 and propensity <= 1),
    arms_version integer not null default 0 check (arms_version >= 0),
    policy_version integer not null default 0 check (policy_version >= 0),
    logits jsonb not null default '{}' check (jsonb_typeof(logits) = 'object'),
    context double precision[] not null default '{}',
    content_ids bigint[] not null default '{}',
    explored smallint[] not null default '{}',
    replay text,
    closed_at timestamptz,
    -- Neither NaN nor infinity: one such value would spoil the learned state for ever.
    reward double precision check (reward > '-Infinity' and reward < 'Infinity'),
    check ((arm is null) = (propensity is null)),
    check ((closed_at is null) = (reward is null))
);

comment on table feed_decisions is
    'Each feed that was built: choices and propensities, and the reward once its window is over.';
comment on column feed_decisions.user_id is 'No reference: a first-time reader becomes a user with the first interaction.';
comment on column feed_decisions.bucket is 'Decisions of one bucket are compared with each other: the group of the policy.';
comment on column feed_decisions.context is 'The numbers on which the weights of the agents depended.';
comment on column feed_decisions.explored is 'Positions from 0 that the arm filled.';
comment on column feed_decisions.replay is 'All inputs of the decision, of a sample, so that it can be made again.';

-- The two walks: those whose window is over, and those closed long ago.
create index feed_decisions_due on feed_decisions (decided_at) where closed_at is null;
create index feed_decisions_closed on feed_decisions (closed_at) where closed_at is not null;

alter table feed_decisions enable row level security;
