package dev.millrace.demo;

import java.sql.SQLException;

/// Transactions on orders, payments and shipments in the target's schema. They keep the columns and
/// tables that the mappings derive as the mappings do.
final class MarketOrders {

    private static final String PENDING =
            "SELECT id FROM billing.payment WHERE status = 'pending' AND order_id >= ?"
                    + " ORDER BY order_id LIMIT 1 FOR UPDATE SKIP LOCKED";

    private MarketOrders() {}

    static long placeOrder(WorkloadTransaction turn) throws SQLException {
        long order =
                turn.returned(
                        "INSERT INTO sales.sales_order (channel, customer_id, state, total_amount,"
                                + " total_cents, currency, note, client_ip, placed_at) VALUES"
                                + " ('web', ?, 'placed', 0, 0, 'EUR', 'new shop', '10.2.0.0'::inet"
                                + " + ?, now()) RETURNING id",
                        turn.customer(),
                        turn.below(60_000));
        Integer[] basket =
                turn.random()
                        .ints(1 + turn.below(5), 1, turn.shop().products() + 1)
                        .distinct()
                        .sorted()
                        .boxed()
                        .toArray(Integer[]::new);
        Object products = turn.connection().createArrayOf("integer", basket);
        return 1
                + turn.update(
                        "INSERT INTO sales.order_line SELECT ?, row_number() OVER (ORDER BY id),"
                                + " id, 1 + id % 3, price_cents / 100.0, (1 + id % 3) * price_cents"
                                + " / 100.0 FROM catalog.product WHERE id = ANY (?)",
                        order, products)
                + turn.update(
                        "UPDATE sales.sales_order SET total_amount = sum, total_cents = sum * 100"
                                + " FROM (SELECT sum(line_total) FROM sales.order_line WHERE"
                                + " order_id = ?) WHERE id = ?",
                        order,
                        order)
                + turn.update(
                        "WITH paid AS (INSERT INTO billing.payment (id, order_id, method, status,"
                                + " card, amount_cents) SELECT gen_random_uuid(), id, 'card',"
                                + " 'pending', lpad((id % 10000)::text, 4, '0'), total_cents FROM"
                                + " sales.sales_order WHERE id = ? RETURNING *) INSERT INTO"
                                + " billing.open_payment SELECT id, order_id, status, amount_cents"
                                + " / 100.0 FROM paid",
                        order)
                + turn.update(
                        "WITH locked AS (SELECT product_id FROM inventory.stock WHERE warehouse_id"
                                + " = 1 AND product_id = ANY (?) ORDER BY product_id FOR UPDATE)"
                                + " UPDATE inventory.stock s SET on_hand = on_hand - 1, reserved ="
                                + " reserved + 1, available = available - 2, counted_at = now() FROM"
                                + " locked WHERE warehouse_id = 1 AND s.product_id ="
                                + " locked.product_id",
                        products)
                + turn.update(
                        "INSERT INTO audit.event (at, actor, action, touched) VALUES"
                                + " (clock_timestamp(), 'new shop', 'order', ARRAY[?::bigint])",
                        order);
    }

    static long capturePayment(WorkloadTransaction turn) throws SQLException {
        long order =
                turn.returned(
                        "WITH captured AS (UPDATE billing.payment SET status = 'captured', paid_at"
                                + " = now() WHERE id = ("
                                + PENDING
                                + ") RETURNING id, order_id) DELETE FROM billing.open_payment o"
                                + " USING captured c WHERE o.id = c.id RETURNING o.order_id",
                        turn.order());
        return order == 0
                ? 0
                : 2
                        + turn.update(
                                "UPDATE sales.sales_order SET state = 'paid' WHERE id = ?", order);
    }

    static long refusePayment(WorkloadTransaction turn) throws SQLException {
        long order =
                turn.returned(
                        "WITH refused AS (UPDATE billing.payment SET status = 'refused' WHERE id ="
                                + " ("
                                + PENDING
                                + ") RETURNING id) UPDATE billing.open_payment o SET status ="
                                + " 'refused' FROM refused r WHERE o.id = r.id RETURNING"
                                + " o.order_id",
                        turn.order());
        return order == 0
                ? 0
                : 2
                        + turn.update(
                                "UPDATE sales.sales_order SET state = 'cancelled', note = 'not"
                                        + " paid' WHERE id = ?",
                                order);
    }

    static long ship(WorkloadTransaction turn) throws SQLException {
        long order =
                turn.returned(
                        "UPDATE sales.sales_order SET state = 'shipped' WHERE id = (SELECT id FROM"
                                + " sales.sales_order WHERE state = 'paid' AND id >= ? ORDER BY id"
                                + " LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id",
                        turn.order());
        return order == 0
                ? 0
                : 1
                        + turn.update(
                                "INSERT INTO logistics.shipment (order_id, carrier, tracking_code,"
                                        + " transit, parcels, weight_kg, handed_out, shipped_at)"
                                        + " VALUES (?, 'Courier', 'TR' || ?, interval '1 day', 1,"
                                        + " 1.1, localtime, localtimestamp)",
                                order,
                                order);
    }
}
