-- Privileges of Millrace's role on the source: replication, and for the switchover the rights of the tables' owner, its
-- control schema, replication origins and the view of other sessions. The owner is a role without login and further
-- privileges, because to be a member of the database's superuser would allow everything.
\set password `cat /run/secrets/source-password`
CREATE ROLE millrace LOGIN REPLICATION PASSWORD :'password';
CREATE ROLE shop_owner;
ALTER TABLE users OWNER TO shop_owner;
ALTER TABLE product OWNER TO shop_owner;
ALTER TABLE orders OWNER TO shop_owner;
ALTER TABLE order_line OWNER TO shop_owner;
GRANT shop_owner, pg_read_all_stats TO millrace;
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE shop TO millrace;
GRANT USAGE ON SCHEMA public TO millrace;
GRANT SET ON PARAMETER session_replication_role TO millrace;
GRANT EXECUTE ON FUNCTION pg_replication_origin_create, pg_replication_origin_drop, pg_replication_origin_oid,
    pg_replication_origin_session_setup, pg_replication_origin_session_reset, pg_replication_origin_xact_setup TO millrace;
