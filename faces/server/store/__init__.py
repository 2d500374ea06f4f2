"""The database: connection, schema, migrations and queries."""
