-- Roles of both servers, as README demands them: an owner of the tables without login, Millrace, and the application, to
-- which the fences apply. demo.password holds the password.
DO $$
DECLARE
    item record;
BEGIN
    CREATE ROLE shop_owner;
    EXECUTE format('CREATE ROLE millrace LOGIN REPLICATION PASSWORD %L', current_setting('demo.password'));
    EXECUTE format('CREATE ROLE shop_app LOGIN PASSWORD %L', current_setting('demo.password'));
    GRANT shop_owner, pg_read_all_stats TO millrace;
    EXECUTE format('GRANT CONNECT, CREATE, TEMPORARY ON DATABASE %I TO millrace', current_database());
    GRANT SET ON PARAMETER session_replication_role TO millrace;
    GRANT EXECUTE ON FUNCTION pg_replication_origin_create, pg_replication_origin_drop, pg_replication_origin_oid,
        pg_replication_origin_session_setup, pg_replication_origin_session_reset, pg_replication_origin_xact_setup
        TO millrace;
    FOR item IN SELECT DISTINCT schemaname FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')
    LOOP
        EXECUTE format('GRANT USAGE ON SCHEMA %I TO shop_owner, millrace, shop_app', item.schemaname);
    END LOOP;
    FOR item IN
        SELECT schemaname, tablename FROM pg_tables
        WHERE schemaname NOT IN ('pg_catalog', 'information_schema', 'app')
    LOOP
        EXECUTE format('ALTER TABLE %I.%I OWNER TO shop_owner', item.schemaname, item.tablename);
        EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON %I.%I TO shop_app', item.schemaname, item.tablename);
    END LOOP;
    IF to_regclass('app.routing') IS NOT NULL THEN
        GRANT SELECT ON app.routing TO shop_app;
        GRANT SELECT, UPDATE ON app.routing TO millrace;
    END IF;
END $$;
