-- E-mail addresses, country codes and product names have the form that the target gives them, so that a rollback brings
-- back what it took.
SELECT setseed(0.25);

INSERT INTO category (id, parent_id, name, slug)
SELECT n, CASE WHEN n > 6 THEN 1 + n % 6 END, 'Category ' || n, 'category-' || n
FROM generate_series(1, 24) n;

INSERT INTO customer (email, first_name, last_name, phone, birthday, tier, credit, marketing_opt_in,
                      preferences, tags, created_at, updated_at, deleted_at)
SELECT (ARRAY['mara', 'jonas', 'aiko', 'zoë', 'liam', 'noor', 'søren', 'ana'])[1 + n % 8] || '.' || n
           || '@example.' || (ARRAY['com', 'org', 'net'])[1 + n % 3],
       (ARRAY['Mara', 'Jonas', 'Aiko', 'Zoë', 'Liam', 'Noor', 'Søren', 'Ana'])[1 + n % 8],
       (ARRAY['Keller', 'Öztürk', 'Tanaka', 'O''Brien', 'Silva', 'Novák', 'Dupont'])[1 + n % 7],
       CASE WHEN n % 3 <> 0 THEN '+49 30 ' || (1000000 + n) END,
       CASE WHEN n % 5 <> 0 THEN date '1950-01-01' + (random() * 20000)::int END,
       (ARRAY['bronze', 'bronze', 'silver', 'gold'])[1 + n % 4]::customer_tier,
       round((random() * 500)::numeric, 2),
       random() < 0.4,
       jsonb_build_object('language', (ARRAY['de', 'en', 'ja', 'fr'])[1 + n % 4], 'newsletter', n % 2 = 0),
       CASE n % 4 WHEN 0 THEN ARRAY['vip', 'early "bird"'] WHEN 1 THEN ARRAY['wholesale', NULL] ELSE '{}' END,
       now() - random() * interval '900 days',
       now() - random() * interval '30 days',
       CASE WHEN n % 25 = 0 THEN now() - random() * interval '20 days' END
FROM generate_series(1, current_setting('demo.customers')::int) n;

INSERT INTO address (customer_id, street, postal_code, city, country, is_default)
SELECT c.id, 'Mühlenweg ' || (1 + c.id % 180), lpad((c.id % 99999)::text, 5, '0'),
       (ARRAY['Berlin', 'Kraków', 'Lyon', 'Malmö', 'Porto'])[1 + c.id % 5],
       (ARRAY['DE', 'PL', 'FR', 'SE', 'PT'])[1 + c.id % 5], k = 1
FROM customer c CROSS JOIN LATERAL generate_series(1, (1 + (c.id % 7 = 0)::int)) k;

INSERT INTO product (sku, name, description, price, weight_grams, category_id, attributes, thumbnail,
                     discontinued, created_at)
SELECT 'SKU-' || lpad(n::text, 7, '0'),
       (ARRAY['Kettle', 'Lamp', 'Chair', 'Notebook', 'Bicycle pump', 'Teapot'])[1 + n % 6] || ' ' || n,
       repeat('Sturdy, quiet and easy to clean. ', (1 + n % 12)),
       round((1 + random() * 400)::numeric, 2),
       20 + (random() * 9000)::int,
       1 + n % 24,
       jsonb_build_object('colour', (ARRAY['red', 'oak', 'steel'])[1 + n % 3], 'sizes', jsonb_build_array(n % 40, n % 7)),
       CASE WHEN n % 4 <> 0 THEN sha256(n::text::bytea) END,
       n % 20 = 0,
       now() - random() * interval '900 days'
FROM generate_series(1, current_setting('demo.products')::int) n;

INSERT INTO price_history (product_id, valid_from, price)
SELECT id, created_at, price FROM product;

INSERT INTO stock (product_id, warehouse_id, on_hand, reserved, updated_at)
SELECT p.id, w, (random() * 900)::int, (random() * 20)::int, now() - random() * interval '9 days'
FROM product p CROSS JOIN generate_series(1, 3) w;

INSERT INTO coupon (code, percent, valid, uses, active)
SELECT 'SAVE-' || n, 5 + n % 40, daterange(current_date - n, CASE WHEN n % 3 = 0 THEN NULL ELSE current_date + n END),
       n, n % 2 = 0
FROM generate_series(1, 60) n;

INSERT INTO orders (customer_id, status, total, note, client_ip, placed_at, shipped_on)
SELECT 1 + (random() * (current_setting('demo.customers')::int - 1))::int,
       (ARRAY['placed', 'paid', 'shipped', 'shipped', 'cancelled'])[1 + n % 5]::order_status,
       round((random() * 900)::numeric, 2),
       CASE WHEN n % 6 = 0 THEN E'Leave at the door,\nplease\t(№ ' || n || ')' END,
       CASE WHEN n % 11 = 0 THEN '2001:db8::/64'::inet + n ELSE '10.0.0.0'::inet + n END,
       now() - random() * interval '400 days',
       CASE WHEN n % 5 IN (2, 3) THEN current_date - (n % 300) END
FROM generate_series(1, current_setting('demo.orders')::int) n;

INSERT INTO order_line (order_id, line_no, product_id, quantity, unit_price)
SELECT o, k, 1 + (random() * (current_setting('demo.products')::int - 1))::int, 1 + (random() * 4)::int,
       round((1 + random() * 400)::numeric, 2)
FROM generate_series(1, current_setting('demo.orders')::int) o CROSS JOIN LATERAL generate_series(1, 1 + o % 4) k;

INSERT INTO payment (order_id, method, status, amount, card_last4, gateway, paid_at)
SELECT o.id, (ARRAY['card', 'transfer', 'invoice'])[1 + o.id % 3],
       CASE WHEN o.status IN ('paid', 'shipped') THEN 'captured' WHEN o.status = 'placed' THEN 'pending' ELSE 'refused' END,
       o.total, CASE WHEN o.id % 3 = 0 THEN lpad((o.id % 10000)::text, 4, '0') END,
       CASE WHEN o.id % 2 = 0 THEN jsonb_build_object('id', o.id, 'risk', (o.id % 100) / 100.0) END,
       CASE WHEN o.status IN ('paid', 'shipped') THEN o.placed_at + interval '3 minutes' END
FROM orders o;

INSERT INTO shipment (order_id, carrier, tracking, transit, parcels, weight_kg, handed_out, shipped_at)
SELECT o.id, (ARRAY['Post', 'Courier', 'Own van'])[1 + o.id % 3],
       CASE WHEN o.id % 3 <> 2 THEN 'TR' || lpad(o.id::text, 12, '0') END,
       CASE WHEN o.id % 4 <> 0 THEN random() * interval '6 days' END,
       1 + o.id % 3, (random() * 20)::real, time '08:00' + random() * interval '9 hours',
       (o.placed_at + interval '1 day') AT TIME ZONE 'UTC'
FROM orders o WHERE o.status = 'shipped';

INSERT INTO review (product_id, customer_id, rating, body, sentiment, created_at)
SELECT 1 + (random() * (current_setting('demo.products')::int - 1))::int,
       1 + (random() * (current_setting('demo.customers')::int - 1))::int,
       1 + n % 5, CASE WHEN n % 4 <> 0 THEN 'Bought it ' || n || ' days ago; still happy. 你好' END,
       CASE WHEN n % 3 <> 0 THEN random() * 2 - 1 END, now() - random() * interval '300 days'
FROM generate_series(1, current_setting('demo.reviews')::int) n;

INSERT INTO wishlist_item (customer_id, product_id, added_at)
SELECT 1 + (random() * (current_setting('demo.customers')::int - 1))::int,
       1 + (random() * (current_setting('demo.products')::int - 1))::int, now() - random() * interval '99 days'
FROM generate_series(1, current_setting('demo.reviews')::int) n
ON CONFLICT DO NOTHING;

INSERT INTO session (customer_id, ip, user_agent, started_at, lasts, state)
SELECT CASE WHEN n % 3 <> 0 THEN 1 + n % current_setting('demo.customers')::int END, '192.168.0.0'::inet + n,
       'Mozilla/5.0 (X11; Linux x86_64)', now() - random() * interval '3 hours', random() * interval '1 hour',
       CASE WHEN n % 2 = 0 THEN jsonb_build_object('basket', jsonb_build_array(n % 9, n % 5)) END
FROM generate_series(1, current_setting('demo.reviews')::int) n;

INSERT INTO audit_event (at, actor, action, touched, details)
SELECT now() - random() * interval '60 days', 'clerk-' || n % 12, (ARRAY['login', 'refund', 'edit'])[1 + n % 3],
       CASE WHEN n % 3 <> 0 THEN ARRAY[n, n + 1]::bigint[] END, jsonb_build_object('n', n, 'ok', n % 7 <> 0)
FROM generate_series(1, current_setting('demo.reviews')::int) n;

INSERT INTO receipt (id, at)
SELECT gen_random_uuid(), now() - random() * interval '1 day'
FROM generate_series(1, current_setting('demo.reviews')::int) n;

ANALYZE;
