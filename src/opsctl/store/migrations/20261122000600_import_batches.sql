-- Book-keeping of imports: the same file with the same mapping goes on where it stopped, and never twice.

create table import_batches (
    id bigint generated always as identity primary key,
    file_name text not null,
    file_digest text not null check (file_digest ~ '^[0-9a-f]{64}$'),
    mapping_digest text not null check (mapping_digest ~ '^[0-9a-f]{64}$'),
    rows_done bigint not null default 0 check (rows_done >= 0),
    rejected_count bigint not null default 0 check (rejected_count >= 0 and rejected_count <= rows_done),
    state text not null default 'running' check (state in ('running', 'finished', 'failed')),
    started_at timestamptz not null default clock_timestamp(),
    updated_at timestamptz not null default clock_timestamp(),
    finished_at timestamptz,
    unique (file_digest, mapping_digest),
    check ((state = 'finished') = (finished_at is not null))
);

comment on table import_batches is
    'How far each import came; rows_done moves in the same transaction as the rows, so a killed import resumes exactly.';
comment on column import_batches.rows_done is 'Rows of the file that were dealt with, the rejected ones included.';

create trigger b_set_updated_at before update on import_batches
    for each row execute function public.set_updated_at();

alter table import_batches enable row level security;
