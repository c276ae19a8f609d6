-- Privileges of Millrace's role on the target: create its control schema, and write the tables of the mappings.
\set password `cat /run/secrets/target-password`
CREATE ROLE millrace LOGIN PASSWORD :'password';
GRANT CONNECT, TEMPORARY ON DATABASE crm TO millrace;
CREATE SCHEMA millrace AUTHORIZATION millrace;
GRANT USAGE ON SCHEMA crm, catalog, inventory, sales TO millrace;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA crm, catalog, inventory, sales TO millrace;
