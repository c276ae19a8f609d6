-- What Millrace may do here: replicate, and read the tables it moves. An owner of the tables makes the publication,
-- so that the role need own nothing. The name is millrace_ and the migration's.
\set password `cat /run/secrets/source-password`
CREATE ROLE millrace LOGIN REPLICATION PASSWORD :'password';
GRANT CONNECT ON DATABASE shop TO millrace;
GRANT USAGE ON SCHEMA public TO millrace;
GRANT SELECT ON users, product, orders, order_line TO millrace;
CREATE PUBLICATION millrace_shop FOR TABLE users, product, orders, order_line WITH (publish_via_partition_root = true);
