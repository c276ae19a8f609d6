-- The role as which comparisons log in to the source: it only reads. The schema is Millrace's, which creates its tables
-- there for a switchover; after one, comparisons read stored offsets in it.
\set password `cat /run/secrets/source-reconcile-password`
CREATE ROLE millrace_reconcile LOGIN PASSWORD :'password';
GRANT CONNECT ON DATABASE shop TO millrace_reconcile;
GRANT USAGE ON SCHEMA public TO millrace_reconcile;
GRANT SELECT ON users, product, orders, order_line TO millrace_reconcile;
CREATE SCHEMA millrace AUTHORIZATION millrace;
GRANT USAGE ON SCHEMA millrace TO millrace_reconcile;
ALTER DEFAULT PRIVILEGES FOR ROLE millrace IN SCHEMA millrace GRANT SELECT ON TABLES TO millrace_reconcile;
