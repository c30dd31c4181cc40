"""Commands of `opsctl checklist`: what is ready for production, who signs, what is waived, and the routines afterwards."""

from opsctl.cli import checklist_routine, checklist_run, checklist_sign
from opsctl.cli.options import group

app = group("The production checklist: living evidence, signatures, waivers, and the routines afterwards.")

checklist_run.register(app)
checklist_sign.register(app)
checklist_routine.register(app)
