"""Everything that asks the database. Each function takes a session and knows no request."""
