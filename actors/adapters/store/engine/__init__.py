"""Open, lock, migrate and write the database: tables, rules, one writer and fencing."""
