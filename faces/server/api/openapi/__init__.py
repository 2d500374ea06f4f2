"""What the Face API is, for machines (/openapi.json) and for people (/docs)."""
