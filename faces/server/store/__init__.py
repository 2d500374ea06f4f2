"""The database: schema, migrations, and what is stored in it."""
