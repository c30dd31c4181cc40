-- Arms of an experiment that learn by themselves: what one arm's readers did must never teach another.

alter table thompson_arms add column learner text not null default '';
alter table thompson_arms drop constraint thompson_arms_pkey;
alter table thompson_arms add primary key (learner, version);

alter table agent_policy add column learner text not null default '';
alter table agent_policy drop constraint agent_policy_pkey;
alter table agent_policy add primary key (learner, version);

alter table feed_decisions add column learner text not null default '';

comment on column thompson_arms.learner is 'Whose state it is: empty for the service''s own, else experiment/arm.';
comment on column agent_policy.learner is 'Whose state it is: empty for the service''s own, else experiment/arm.';
comment on column feed_decisions.learner is 'Whose states chose, and so the only ones that the decision may teach.';
