"""Files: atomic writes, finding, locks, watching, digests, safe unpickling."""
