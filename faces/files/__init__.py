"""Files: written whole, found, locked, watched, digested, unpickled safely."""
