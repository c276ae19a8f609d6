-- The role as which comparisons log in to the target: it only reads, also the stored offsets in Millrace's schema.
\set password `cat /run/secrets/target-reconcile-password`
CREATE ROLE millrace_reconcile LOGIN PASSWORD :'password';
GRANT CONNECT ON DATABASE crm TO millrace_reconcile;
GRANT USAGE ON SCHEMA crm, catalog, inventory, sales TO millrace_reconcile;
GRANT SELECT ON crm.customer, catalog.product, inventory.stock, sales.sales_order, sales.order_line TO millrace_reconcile;
CREATE SCHEMA millrace AUTHORIZATION millrace;
GRANT USAGE ON SCHEMA millrace TO millrace_reconcile;
ALTER DEFAULT PRIVILEGES FOR ROLE millrace IN SCHEMA millrace GRANT SELECT ON TABLES TO millrace_reconcile;
