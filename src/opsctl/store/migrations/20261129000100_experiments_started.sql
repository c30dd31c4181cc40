-- Which experiments were started, and with which book: what runs is what stands here, not what a file says.

create table experiments (
    name text primary key check (name ~ '^[a-z][a-z0-9_]{0,59}$'),
    spec jsonb not null check (jsonb_typeof(spec) = 'object'),
    digest text not null check (digest ~ '^[0-9a-f]{64}$'),
    ramp double precision not null check (ramp > 0 and ramp <= 1),
    started_at timestamptz not null default clock_timestamp(),
    ended_at timestamptz check (ended_at >= started_at)
);

comment on table experiments is 'Experiments since their start; one that has ended stays, so that its name is not used twice.';
comment on column experiments.spec is 'The book as it was at the start, without its ramp; arms are a list, in the order of the book.';
comment on column experiments.digest is 'SHA-256 of the canonical JSON of the spec.';
comment on column experiments.ramp is 'Share of the eligible units that is let in now.';

create function public.experiments_keep_what_was_started() returns trigger
language plpgsql set search_path = '' as $$
begin
    if tg_op = 'DELETE' then
        raise exception 'experiment % cannot be removed: its exposures and verdicts refer to it', old.name
            using errcode = 'restrict_violation';
    end if;
    if (new.name, new.spec, new.digest, new.started_at)
        is distinct from (old.name, old.spec, old.digest, old.started_at) then
        raise exception 'experiment % was started, so nothing of its book can change', old.name
            using errcode = 'restrict_violation';
    end if;
    if new.ramp < old.ramp then
        raise exception 'the ramp of experiment % can only rise: units that are in it would lose their arm', old.name
            using errcode = 'restrict_violation';
    end if;
    if old.ended_at is not null and (new.ramp, new.ended_at) is distinct from (old.ramp, old.ended_at) then
        raise exception 'experiment % has ended', old.name using errcode = 'restrict_violation';
    end if;
    return new;
end;
$$;

create trigger experiments_keep_what_was_started before update or delete on experiments
    for each row execute function public.experiments_keep_what_was_started();

create function public.experiments_are_not_emptied() returns trigger
language plpgsql set search_path = '' as $$
begin
    raise exception 'the table of experiments cannot be emptied' using errcode = 'restrict_violation';
end;
$$;

create trigger experiments_are_not_emptied before truncate on experiments
    for each statement execute function public.experiments_are_not_emptied();

-- Only where weights are moved while units have their arms: everybody else needs no memory.
create table experiment_kept_arms (
    experiment text not null check (experiment <> ''),
    version integer not null check (version >= 0),
    unit_id text not null check (unit_id <> ''),
    arm text not null check (arm <> ''),
    kept_at timestamptz not null default clock_timestamp(),
    primary key (experiment, version, unit_id)
);

comment on table experiment_kept_arms is
    'The arm that a unit keeps although weights were moved; a new version forgets what the ones before kept.';

alter table experiments enable row level security;
alter table experiment_kept_arms enable row level security;
