-- The target tables: empty, each with a primary key.
CREATE SCHEMA crm;
CREATE SCHEMA catalog;
CREATE SCHEMA inventory;
CREATE SCHEMA sales;

CREATE TABLE crm.customer (
    id        bigint PRIMARY KEY,
    full_name text NOT NULL,
    email     text NOT NULL
);

CREATE TABLE catalog.product (
    id          integer PRIMARY KEY,
    title       text NOT NULL,
    price_cents bigint NOT NULL
);

CREATE TABLE inventory.stock (
    product_id integer PRIMARY KEY,
    on_hand    integer NOT NULL
);

CREATE TABLE sales.sales_order (
    id          bigint PRIMARY KEY,
    customer_id bigint NOT NULL,
    state       text NOT NULL,
    total       numeric(14, 2) NOT NULL,
    placed_at   timestamptz NOT NULL
);

CREATE TABLE sales.order_line (
    order_id   bigint,
    line_no    smallint,
    product_id integer NOT NULL,
    quantity   integer NOT NULL,
    PRIMARY KEY (order_id, line_no)
);
