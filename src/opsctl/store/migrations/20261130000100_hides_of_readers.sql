-- What a reader hid is read apart from the rest of what they did, however much that is.

create index interactions_hidden on interactions (user_id, occurred_at desc, id desc) include (content_id)
    where kind = 'hide' and content_id is not null;
