-- What Millrace may do here: keep its journal in a schema of its own, and write the tables it fills.
\set password `cat /run/secrets/target-password`
CREATE ROLE millrace LOGIN PASSWORD :'password';
GRANT CONNECT, TEMPORARY ON DATABASE crm TO millrace;
CREATE SCHEMA millrace AUTHORIZATION millrace;
GRANT USAGE ON SCHEMA crm, catalog, inventory, sales TO millrace;
GRANT SELECT, INSERT, UPDATE, DELETE, TRUNCATE ON ALL TABLES IN SCHEMA crm, catalog, inventory, sales TO millrace;
