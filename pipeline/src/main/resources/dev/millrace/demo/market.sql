CREATE SCHEMA crm;
CREATE SCHEMA catalog;
CREATE SCHEMA inventory;
CREATE SCHEMA sales;
CREATE SCHEMA billing;
CREATE SCHEMA logistics;
CREATE SCHEMA community;
CREATE SCHEMA web;
CREATE SCHEMA audit;

CREATE TYPE customer_tier AS ENUM ('bronze', 'silver', 'gold');
CREATE TYPE order_status AS ENUM ('placed', 'paid', 'shipped', 'cancelled');

CREATE TABLE crm.customer (
    id            bigint PRIMARY KEY,
    full_name     text NOT NULL,
    email         text NOT NULL,
    phone         text NOT NULL,
    born_on       date,
    tier          customer_tier NOT NULL,
    credit_cents  bigint NOT NULL,
    wants_mail    boolean NOT NULL,
    tags          text[] NOT NULL,
    registered_at timestamptz NOT NULL
);
CREATE INDEX ON crm.customer (email);

CREATE TABLE crm.preference (
    customer_id bigint PRIMARY KEY,
    preferences jsonb NOT NULL,
    updated_at  timestamptz NOT NULL
);

CREATE TABLE crm.address (
    id           uuid PRIMARY KEY,
    customer_id  bigint NOT NULL,
    line_1       text NOT NULL,
    postal_code  text NOT NULL,
    city         text NOT NULL,
    country_code text NOT NULL,
    is_default   boolean NOT NULL
);
CREATE INDEX ON crm.address (customer_id);

CREATE TABLE crm.wishlist_item (
    customer_id bigint,
    product_id  integer,
    added_at    timestamptz NOT NULL,
    PRIMARY KEY (customer_id, product_id)
);

CREATE TABLE catalog.category (
    id        smallint PRIMARY KEY,
    parent_id smallint,
    title     text NOT NULL,
    slug      text NOT NULL
);

CREATE TABLE catalog.product (
    id          integer PRIMARY KEY,
    sku         text NOT NULL,
    title       text NOT NULL,
    description text NOT NULL,
    price_cents bigint NOT NULL,
    price_band  text NOT NULL,
    category_id smallint NOT NULL,
    attributes  jsonb NOT NULL,
    thumbnail   bytea,
    listed_at   timestamptz NOT NULL
);

CREATE TABLE catalog.price_history (
    product_id integer,
    valid_from timestamptz,
    price      numeric(12, 2) NOT NULL,
    PRIMARY KEY (product_id, valid_from)
);

CREATE TABLE inventory.item (
    product_id   integer PRIMARY KEY,
    sku          text NOT NULL,
    weight_grams bigint NOT NULL,
    sellable     boolean NOT NULL
);

CREATE TABLE inventory.stock (
    product_id   integer,
    warehouse_id smallint,
    on_hand      integer NOT NULL,
    reserved     integer NOT NULL,
    available    integer NOT NULL,
    counted_at   timestamptz NOT NULL,
    PRIMARY KEY (product_id, warehouse_id)
);

CREATE TABLE sales.coupon (
    code    varchar(24) PRIMARY KEY,
    percent numeric(5, 2) NOT NULL,
    valid   daterange NOT NULL,
    uses    integer NOT NULL,
    active  boolean NOT NULL
);

CREATE TABLE sales.sales_order (
    id           bigint PRIMARY KEY,
    channel      text NOT NULL,
    customer_id  bigint NOT NULL,
    state        order_status NOT NULL,
    total_amount numeric(14, 2) NOT NULL,
    total_cents  bigint NOT NULL,
    currency     text NOT NULL,
    note         text NOT NULL,
    client_ip    inet,
    placed_at    timestamptz NOT NULL
);
CREATE INDEX ON sales.sales_order (customer_id);

CREATE TABLE sales.order_line (
    order_id   bigint,
    line_no    smallint,
    product_id integer NOT NULL,
    quantity   integer NOT NULL,
    unit_price numeric(12, 2) NOT NULL,
    line_total numeric(16, 2) NOT NULL,
    PRIMARY KEY (order_id, line_no)
);

CREATE TABLE billing.payment (
    id           uuid PRIMARY KEY,
    order_id     bigint NOT NULL,
    method       text NOT NULL,
    card         text,
    amount_cents bigint NOT NULL,
    paid_at      timestamptz
);

CREATE TABLE billing.open_payment (
    id       uuid PRIMARY KEY,
    order_id bigint NOT NULL,
    status   text NOT NULL,
    amount   numeric(14, 2) NOT NULL
);

CREATE TABLE logistics.shipment (
    id            bigint PRIMARY KEY,
    order_id      bigint NOT NULL,
    carrier       text NOT NULL,
    tracking_code text,
    transit       interval,
    parcels       integer NOT NULL,
    weight_kg     real NOT NULL,
    handed_out    time,
    shipped_at    timestamp NOT NULL
);

CREATE TABLE community.review (
    id          bigint PRIMARY KEY,
    product_id  integer NOT NULL,
    customer_id bigint NOT NULL,
    rating      integer NOT NULL,
    is_positive boolean NOT NULL,
    body        text,
    body_length integer NOT NULL,
    sentiment   double precision,
    created_at  timestamptz NOT NULL
);

CREATE TABLE web.session (
    token       uuid PRIMARY KEY,
    customer_id bigint,
    ip          inet NOT NULL,
    user_agent  text,
    started_at  timestamptz NOT NULL,
    lasts       interval NOT NULL,
    state       jsonb
);

CREATE TABLE audit.event (
    id      bigint PRIMARY KEY,
    at      timestamptz NOT NULL,
    actor   text NOT NULL,
    action  text NOT NULL,
    touched bigint[],
    details jsonb
);
