-- Keys to the service: only a hash is kept, and the prefix by which a key is found and shown.

create table api_keys (
    id bigint generated always as identity primary key,
    prefix text not null unique check (length(prefix) >= 6),
    hash bytea not null check (octet_length(hash) = 32),
    name text not null check (name <> ''),
    plan text not null default 'free' check (plan <> ''),
    scopes text[] not null default '{}' check (array_position(scopes, null) is null),
    created_at timestamptz not null default clock_timestamp(),
    expires_at timestamptz check (expires_at > created_at),
    revoked_at timestamptz check (revoked_at >= created_at),
    last_used_at timestamptz
);

comment on table api_keys is 'Keys to the service; the key itself is shown once, at its creation, and never stored.';
comment on column api_keys.hash is 'SHA-256 of the whole key.';

alter table api_keys enable row level security;
