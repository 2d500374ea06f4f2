"""Monitoring: the audit log, the request log, metrics."""
