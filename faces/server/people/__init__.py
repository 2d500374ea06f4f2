"""The enrolled people: enrolment, identification, import and export, and the gallery shared with the scripts."""
