-- Privileges of Millrace's role on the source: replication, and SELECT on the tables of the mappings. The owner of the
-- tables creates the publication, so that the role does not need to own them. Its name is millrace_<migration>.
\set password `cat /run/secrets/source-password`
CREATE ROLE millrace LOGIN REPLICATION PASSWORD :'password';
GRANT CONNECT ON DATABASE shop TO millrace;
GRANT USAGE ON SCHEMA public TO millrace;
GRANT SELECT ON users, product, orders, order_line TO millrace;
CREATE PUBLICATION millrace_shop FOR TABLE users, product, orders, order_line WITH (publish_via_partition_root = true);
