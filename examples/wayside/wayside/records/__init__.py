"""Everything that speaks SQL. Each function takes a connection and knows no request."""
