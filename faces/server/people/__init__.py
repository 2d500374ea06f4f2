"""The people enrolled: enrolment, import and export, the shared gallery."""
