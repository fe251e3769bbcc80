"""SQL per aggregate, over PostgreSQL."""
