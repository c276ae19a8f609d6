-- Privileges of Millrace's role on the target: create its control schema, and write the tables of the mappings. For the
-- switchover: replication, the rights of the tables' owner, replication origins and the view of other sessions.
\set password `cat /run/secrets/target-password`
CREATE ROLE millrace LOGIN REPLICATION PASSWORD :'password';
CREATE ROLE crm_owner;
ALTER TABLE crm.customer OWNER TO crm_owner;
ALTER TABLE catalog.product OWNER TO crm_owner;
ALTER TABLE inventory.stock OWNER TO crm_owner;
ALTER TABLE sales.sales_order OWNER TO crm_owner;
ALTER TABLE sales.order_line OWNER TO crm_owner;
GRANT crm_owner, pg_read_all_stats TO millrace;
GRANT CONNECT, CREATE, TEMPORARY ON DATABASE crm TO millrace;
GRANT USAGE ON SCHEMA crm, catalog, inventory, sales TO millrace;
GRANT EXECUTE ON FUNCTION pg_replication_origin_create, pg_replication_origin_drop, pg_replication_origin_oid,
    pg_replication_origin_session_setup, pg_replication_origin_session_reset, pg_replication_origin_xact_setup TO millrace;
