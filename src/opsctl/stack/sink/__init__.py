"""The sink: takes what receivers would get (PagerDuty, Slack, webhooks, e-mail), so that a laptop pages nobody."""
