-- Where a row came from: an import finds its own rows again by (source, external_id), and two sources never collide.

alter table vendors
    add column source text check (source <> ''),
    add column external_id text check (external_id <> ''),
    add constraint vendors_known_by_source unique (source, external_id),
    add constraint vendors_source_is_whole check ((source is null) = (external_id is null));

comment on column vendors.source is 'Which import or generator owns the row; null for a row written by the service itself.';

alter table content
    add column source text check (source <> ''),
    add column external_id text check (external_id <> ''),
    add constraint content_known_by_source unique (source, external_id),
    add constraint content_source_is_whole check ((source is null) = (external_id is null));

comment on column content.external_id is 'The id within the source, such as the id column of an imported file.';

-- A file that was imported once changes nothing a second time, unless another file of the same source came after it.
alter table import_batches add column source text check (source <> '');

create index import_batches_by_source on import_batches (source, finished_at);
