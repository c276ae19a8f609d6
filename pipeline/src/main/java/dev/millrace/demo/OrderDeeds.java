package dev.millrace.demo;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.util.Random;

/// Orders from the basket to the parcel. Immutable.
final class OrderDeeds {

    private static final String PENDING =
            "SELECT id FROM payment WHERE status = 'pending' AND order_id >= ?"
                    + " ORDER BY order_id LIMIT 1 FOR UPDATE SKIP LOCKED";

    private final ShopSize shop;

    OrderDeeds(ShopSize shop) {
        this.shop = shop;
    }

    long placeOrder(Connection connection, Random random) throws SQLException {
        long order =
                ShopSql.returned(
                        connection,
                        "INSERT INTO orders (customer_id, total, note, client_ip)"
                                + " VALUES (?, 0, ?, '10.1.0.0'::inet + ?) RETURNING id",
                        shop.customer(random),
                        random.nextInt(4) == 0 ? "Ring twice, \"please\"" : null,
                        random.nextInt(60_000));
        Integer[] basket =
                random.ints(1 + random.nextInt(5), 1, shop.products() + 1)
                        .distinct()
                        .sorted()
                        .boxed()
                        .toArray(Integer[]::new);
        if (random.nextInt(8) == 0) {
            changeOfMind(connection, order, basket[0]);
        }
        Object products = connection.createArrayOf("integer", basket);
        return 1
                + ShopSql.update(
                        connection,
                        "INSERT INTO order_line SELECT ?, row_number() OVER (ORDER BY id), id,"
                                + " 1 + id % 3, price FROM product WHERE id = ANY (?)",
                        order,
                        products)
                + ShopSql.update(
                        connection,
                        "UPDATE orders SET total = (SELECT sum(quantity * unit_price) FROM"
                                + " order_line WHERE order_id = orders.id) WHERE id = ?",
                        order)
                + ShopSql.update(
                        connection,
                        "INSERT INTO payment (order_id, method, status, amount, card_last4)"
                                + " SELECT id, 'card', 'pending', total, lpad((id % 10000)::text,"
                                + " 4, '0') FROM orders WHERE id = ?",
                        order)
                + ShopSql.update(
                        connection,
                        "WITH locked AS (SELECT product_id FROM stock WHERE warehouse_id = 1 AND"
                                + " product_id = ANY (?) ORDER BY product_id FOR UPDATE)"
                                + " UPDATE stock SET on_hand = on_hand - 1, reserved = reserved +"
                                + " 1, updated_at = now() FROM locked WHERE warehouse_id = 1 AND"
                                + " stock.product_id = locked.product_id",
                        products)
                + ShopSql.event(connection, "order", order);
    }

    /// Written and taken back inside the transaction: the source's log carries it, nobody may see
    /// it.
    private static void changeOfMind(Connection connection, long order, int product)
            throws SQLException {
        Savepoint before = connection.setSavepoint();
        ShopSql.update(
                connection, "INSERT INTO order_line VALUES (?, 99, ?, 1, 0)", order, product);
        connection.rollback(before);
    }

    long capturePayment(Connection connection, Random random) throws SQLException {
        long order =
                ShopSql.returned(
                        connection,
                        "UPDATE payment SET status = 'captured', paid_at = now(), gateway ="
                                + " jsonb_build_object('id', order_id) WHERE id = ("
                                + PENDING
                                + ") RETURNING order_id",
                        shop.order(random));
        return order == 0
                ? 0
                : 1
                        + ShopSql.update(
                                connection,
                                "UPDATE orders SET status = 'paid' WHERE id = ?",
                                order);
    }

    long refusePayment(Connection connection, Random random) throws SQLException {
        long order =
                ShopSql.returned(
                        connection,
                        "UPDATE payment SET status = 'refused' WHERE id = ("
                                + PENDING
                                + ") RETURNING order_id",
                        shop.order(random));
        return order == 0
                ? 0
                : 1
                        + ShopSql.update(
                                connection,
                                "UPDATE orders SET status = 'cancelled', note = 'not paid' WHERE id"
                                        + " = ?",
                                order);
    }

    long ship(Connection connection, Random random) throws SQLException {
        long order =
                ShopSql.returned(
                        connection,
                        "UPDATE orders SET status = 'shipped', shipped_on = current_date WHERE id ="
                                + " (SELECT id FROM orders WHERE status = 'paid' AND id >= ? ORDER"
                                + " BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id",
                        shop.order(random));
        return order == 0
                ? 0
                : 1
                        + ShopSql.update(
                                connection,
                                "INSERT INTO shipment (order_id, carrier, tracking, transit,"
                                        + " weight_kg, handed_out, shipped_at) VALUES (?, 'Post',"
                                        + " 'TR' || ?, interval '1 day 2 hours', 1.1,"
                                        + " localtime, localtimestamp)",
                                order,
                                order);
    }
}
