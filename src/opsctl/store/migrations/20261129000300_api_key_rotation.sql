-- A key that takes another one's place: which, so that a list can show it and nobody rotates the same key twice.

alter table api_keys add column rotated_to text unique references api_keys (prefix) on delete set null
    check (rotated_to <> prefix);

comment on column api_keys.rotated_to is 'The key that takes its place; this one ends at expires_at, when the overlap is over.';
