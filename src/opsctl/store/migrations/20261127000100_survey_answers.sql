-- What readers say when they are asked: would they recommend the feed (nps), are they content with it (satisfaction).

create table survey_answers (
    id bigint generated always as identity primary key,
    user_id bigint not null references users (id) on delete cascade,
    question text not null check (question in ('nps', 'satisfaction')),
    answer smallint not null,
    answered_at timestamptz not null default clock_timestamp(),
    is_simulated boolean not null default false,
    check (case question when 'nps' then answer between 0 and 10 else answer between 1 and 5 end)
);

comment on table survey_answers is 'Answers to two questions: nps from 0 to 10, satisfaction from 1 to 5.';
comment on column survey_answers.is_simulated is 'Made up with simulated readers; nobody said so.';

-- Asked again on the same day, the first answer stays.
create unique index survey_answers_once_a_day
    on survey_answers (user_id, question, ((answered_at at time zone 'UTC')::date));
create index survey_answers_question on survey_answers (question, answered_at);
-- The figures of a week read what is new, whoever did it.
create index interactions_occurred on interactions (occurred_at);

alter table survey_answers enable row level security;
