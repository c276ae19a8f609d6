package dev.millrace.demo;

import java.sql.SQLException;
import java.sql.Savepoint;

/// Transactions on orders, payments and shipments.
final class OrderWorkload {

    private static final String PENDING =
            "SELECT id FROM payment WHERE status = 'pending' AND order_id >= ?"
                    + " ORDER BY order_id LIMIT 1 FOR UPDATE SKIP LOCKED";

    private OrderWorkload() {}

    static long placeOrder(WorkloadTransaction turn) throws SQLException {
        long order =
                turn.returned(
                        "INSERT INTO orders (customer_id, total, note, client_ip)"
                                + " VALUES (?, 0, ?, '10.1.0.0'::inet + ?) RETURNING id",
                        turn.customer(),
                        turn.below(4) == 0 ? "Ring twice, \"please\"" : null,
                        turn.below(60_000));
        Integer[] basket =
                turn.random()
                        .ints(1 + turn.below(5), 1, turn.shop().products() + 1)
                        .distinct()
                        .sorted()
                        .boxed()
                        .toArray(Integer[]::new);
        if (turn.below(8) == 0) {
            insertAndRollBack(turn, order, basket[0]);
        }
        Object products = turn.connection().createArrayOf("integer", basket);
        return 1
                + turn.update(
                        "INSERT INTO order_line SELECT ?, row_number() OVER (ORDER BY id), id,"
                                + " 1 + id % 3, price FROM product WHERE id = ANY (?)",
                        order, products)
                + turn.update(
                        "UPDATE orders SET total = (SELECT sum(quantity * unit_price) FROM"
                                + " order_line WHERE order_id = orders.id) WHERE id = ?",
                        order)
                + turn.update(
                        "INSERT INTO payment (order_id, method, status, amount, card_last4)"
                                + " SELECT id, 'card', 'pending', total, lpad((id % 10000)::text,"
                                + " 4, '0') FROM orders WHERE id = ?",
                        order)
                + turn.update(
                        "WITH locked AS (SELECT product_id FROM stock WHERE warehouse_id = 1 AND"
                                + " product_id = ANY (?) ORDER BY product_id FOR UPDATE)"
                                + " UPDATE stock SET on_hand = on_hand - 1, reserved = reserved +"
                                + " 1, updated_at = now() FROM locked WHERE warehouse_id = 1 AND"
                                + " stock.product_id = locked.product_id",
                        products)
                + turn.event("order", order);
    }

    /// Inserts a row and rolls it back to a savepoint. The WAL contains the row, but it must never
    /// reach the target.
    private static void insertAndRollBack(WorkloadTransaction turn, long order, int product)
            throws SQLException {
        Savepoint before = turn.connection().setSavepoint();
        turn.update("INSERT INTO order_line VALUES (?, 99, ?, 1, 0)", order, product);
        turn.connection().rollback(before);
    }

    static long capturePayment(WorkloadTransaction turn) throws SQLException {
        long order =
                turn.returned(
                        "UPDATE payment SET status = 'captured', paid_at = now(), gateway ="
                                + " jsonb_build_object('id', order_id) WHERE id = ("
                                + PENDING
                                + ") RETURNING order_id",
                        turn.order());
        return order == 0
                ? 0
                : 1 + turn.update("UPDATE orders SET status = 'paid' WHERE id = ?", order);
    }

    static long refusePayment(WorkloadTransaction turn) throws SQLException {
        long order =
                turn.returned(
                        "UPDATE payment SET status = 'refused' WHERE id = ("
                                + PENDING
                                + ") RETURNING order_id",
                        turn.order());
        return order == 0
                ? 0
                : 1
                        + turn.update(
                                "UPDATE orders SET status = 'cancelled', note = 'not paid' WHERE id"
                                        + " = ?",
                                order);
    }

    static long ship(WorkloadTransaction turn) throws SQLException {
        long order =
                turn.returned(
                        "UPDATE orders SET status = 'shipped', shipped_on = current_date WHERE id ="
                                + " (SELECT id FROM orders WHERE status = 'paid' AND id >= ? ORDER"
                                + " BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id",
                        turn.order());
        return order == 0
                ? 0
                : 1
                        + turn.update(
                                "INSERT INTO shipment (order_id, carrier, tracking, transit,"
                                        + " weight_kg, handed_out, shipped_at) VALUES (?, 'Post',"
                                        + " 'TR' || ?, interval '1 day 2 hours', 1.1,"
                                        + " localtime, localtimestamp)",
                                order,
                                order);
    }
}
