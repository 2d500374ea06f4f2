"""Who may do what: the keys, their scopes, and the scope that each route needs."""
