package dev.millrace.demo;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/// What happens in a shop, each deed one transaction that the caller commits. Rows are locked in
/// the order of their keys, so that deeds of several writers don't deadlock. Immutable.
final class ShopWork {

    private static final String PENDING =
            "SELECT id FROM payment WHERE status = 'pending' AND order_id >= ?"
                    + " ORDER BY order_id LIMIT 1 FOR UPDATE SKIP LOCKED";

    private final int customers;
    private final int products;
    private final int orders;
    private final List<Weighted> deeds =
            List.of(
                    new Weighted(20, this::placeOrder),
                    new Weighted(12, this::capturePayment),
                    new Weighted(3, this::refusePayment),
                    new Weighted(10, this::ship),
                    new Weighted(8, this::changePrice),
                    new Weighted(2, this::listOrUnlist),
                    new Weighted(8, this::renameCustomer),
                    new Weighted(5, this::changePreferences),
                    new Weighted(3, this::deleteOrRestoreCustomer),
                    new Weighted(4, this::moveHouse),
                    new Weighted(6, this::beginSessions),
                    new Weighted(5, this::endSessions),
                    new Weighted(4, this::review),
                    new Weighted(2, this::deleteReview),
                    new Weighted(4, this::wish),
                    new Weighted(3, this::wishForAnother),
                    new Weighted(3, this::countStock),
                    new Weighted(2, this::useCoupons),
                    new Weighted(2, this::forgetEvents));
    private final int weights = deeds.stream().mapToInt(Weighted::weight).sum();

    private ShopWork(int customers, int products, int orders) {
        this.customers = customers;
        this.products = products;
        this.orders = orders;
    }

    static ShopWork on(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement();
                ResultSet counts =
                        statement.executeQuery(
                                "SELECT (SELECT max(id) FROM customer), (SELECT max(id) FROM"
                                        + " product), (SELECT max(id) FROM orders)")) {
            counts.next();
            return new ShopWork(counts.getInt(1), counts.getInt(2), counts.getInt(3));
        }
    }

    private interface Deed {
        /// @return rows written
        long perform(Connection connection, Random random) throws SQLException;
    }

    private record Weighted(int weight, Deed deed) {}

    /// Performs a deed by chance, without the COMMIT.
    long next(Connection connection, Random random) throws SQLException {
        int chance = random.nextInt(weights);
        for (Weighted weighted : deeds) {
            chance -= weighted.weight();
            if (chance < 0) {
                return weighted.deed().perform(connection, random);
            }
        }
        throw new IllegalStateException("the weights don't add up to " + weights);
    }

    private long placeOrder(Connection connection, Random random) throws SQLException {
        long order =
                returned(
                        connection,
                        "INSERT INTO orders (customer_id, total, note, client_ip)"
                                + " VALUES (?, 0, ?, '10.1.0.0'::inet + ?) RETURNING id",
                        customer(random),
                        random.nextInt(4) == 0 ? "Ring twice, \"please\"" : null,
                        random.nextInt(60_000));
        Integer[] basket =
                random.ints(1 + random.nextInt(5), 1, products + 1)
                        .distinct()
                        .sorted()
                        .boxed()
                        .toArray(Integer[]::new);
        if (random.nextInt(8) == 0) {
            changeOfMind(connection, order, basket[0]);
        }
        Object products = connection.createArrayOf("integer", basket);
        return 1
                + update(
                        connection,
                        "INSERT INTO order_line SELECT ?, row_number() OVER (ORDER BY id), id,"
                                + " 1 + id % 3, price FROM product WHERE id = ANY (?)",
                        order,
                        products)
                + update(
                        connection,
                        "UPDATE orders SET total = (SELECT sum(quantity * unit_price) FROM"
                                + " order_line WHERE order_id = orders.id) WHERE id = ?",
                        order)
                + update(
                        connection,
                        "INSERT INTO payment (order_id, method, status, amount, card_last4)"
                                + " SELECT id, 'card', 'pending', total, lpad((id % 10000)::text,"
                                + " 4, '0') FROM orders WHERE id = ?",
                        order)
                + update(
                        connection,
                        "WITH locked AS (SELECT product_id FROM stock WHERE warehouse_id = 1 AND"
                                + " product_id = ANY (?) ORDER BY product_id FOR UPDATE)"
                                + " UPDATE stock SET on_hand = on_hand - 1, reserved = reserved +"
                                + " 1, updated_at = now() FROM locked WHERE warehouse_id = 1 AND"
                                + " stock.product_id = locked.product_id",
                        products)
                + event(connection, "order", order);
    }

    /// Written and taken back inside the transaction: the source's log carries it, nobody may see
    /// it.
    private static void changeOfMind(Connection connection, long order, int product)
            throws SQLException {
        Savepoint before = connection.setSavepoint();
        update(connection, "INSERT INTO order_line VALUES (?, 99, ?, 1, 0)", order, product);
        connection.rollback(before);
    }

    private long capturePayment(Connection connection, Random random) throws SQLException {
        long order =
                returned(
                        connection,
                        "UPDATE payment SET status = 'captured', paid_at = now(), gateway ="
                                + " jsonb_build_object('id', order_id) WHERE id = ("
                                + PENDING
                                + ") RETURNING order_id",
                        order(random));
        return order == 0
                ? 0
                : 1 + update(connection, "UPDATE orders SET status = 'paid' WHERE id = ?", order);
    }

    private long refusePayment(Connection connection, Random random) throws SQLException {
        long order =
                returned(
                        connection,
                        "UPDATE payment SET status = 'refused' WHERE id = ("
                                + PENDING
                                + ") RETURNING order_id",
                        order(random));
        return order == 0
                ? 0
                : 1
                        + update(
                                connection,
                                "UPDATE orders SET status = 'cancelled', note = 'not paid' WHERE id"
                                        + " = ?",
                                order);
    }

    private long ship(Connection connection, Random random) throws SQLException {
        long order =
                returned(
                        connection,
                        "UPDATE orders SET status = 'shipped', shipped_on = current_date WHERE id ="
                                + " (SELECT id FROM orders WHERE status = 'paid' AND id >= ? ORDER"
                                + " BY id LIMIT 1 FOR UPDATE SKIP LOCKED) RETURNING id",
                        order(random));
        return order == 0
                ? 0
                : 1
                        + update(
                                connection,
                                "INSERT INTO shipment (order_id, carrier, tracking, transit,"
                                        + " weight_kg, handed_out, shipped_at) VALUES (?, 'Post',"
                                        + " 'TR' || ?, interval '1 day 2 hours', 1.1,"
                                        + " localtime, localtimestamp)",
                                order,
                                order);
    }

    private long changePrice(Connection connection, Random random) throws SQLException {
        int product = product(random);
        return update(
                        connection,
                        "UPDATE product SET price = greatest(0.5, round(price * ?::numeric, 2))"
                                + " WHERE id = ?",
                        0.9 + random.nextInt(25) / 100.0,
                        product)
                + update(
                        connection,
                        "INSERT INTO price_history (product_id, price) SELECT id, price FROM"
                                + " product WHERE id = ?",
                        product);
    }

    private long listOrUnlist(Connection connection, Random random) throws SQLException {
        return update(
                connection,
                "UPDATE product SET discontinued = NOT discontinued WHERE id = ?",
                product(random));
    }

    private long renameCustomer(Connection connection, Random random) throws SQLException {
        int customer = customer(random);
        return update(
                        connection,
                        "UPDATE customer SET last_name = ?, email = ?, updated_at = now() WHERE id"
                                + " = ?",
                        List.of("Åberg", "de la Cruz", "Łukasik", "Young", "Weiß")
                                .get(random.nextInt(5)),
                        "New.Name." + random.nextInt(1_000_000) + "@Example.ORG",
                        customer)
                + event(connection, "rename", customer);
    }

    private long changePreferences(Connection connection, Random random) throws SQLException {
        return update(
                connection,
                "UPDATE customer SET preferences = preferences || jsonb_build_object('theme', ?),"
                        + " tags = tags || ?::text, marketing_opt_in = NOT marketing_opt_in,"
                        + " credit = credit + 1.25 WHERE id = ? AND cardinality(tags) < 9",
                random.nextInt(9),
                "tag " + random.nextInt(9),
                customer(random));
    }

    private long deleteOrRestoreCustomer(Connection connection, Random random) throws SQLException {
        return update(
                connection,
                "UPDATE customer SET deleted_at = CASE WHEN deleted_at IS NULL THEN now() END,"
                        + " updated_at = now() WHERE id = ?",
                customer(random));
    }

    private long moveHouse(Connection connection, Random random) throws SQLException {
        return update(
                connection,
                "UPDATE address SET street = ?, postal_code = ? WHERE customer_id = ? AND"
                        + " is_default",
                "Rue de l'Église " + random.nextInt(99),
                Integer.toString(10_000 + random.nextInt(80_000)),
                customer(random));
    }

    private long beginSessions(Connection connection, Random random) throws SQLException {
        return update(
                connection,
                "INSERT INTO session (customer_id, ip, user_agent) SELECT ?, '172.16.0.0'::inet +"
                        + " n, 'curl/8' FROM generate_series(1, ?) n",
                customer(random),
                1 + random.nextInt(4));
    }

    private long endSessions(Connection connection, Random random) throws SQLException {
        return update(
                connection,
                "DELETE FROM session WHERE token IN (SELECT token FROM session ORDER BY token LIMIT"
                        + " ? FOR UPDATE SKIP LOCKED)",
                1 + random.nextInt(4));
    }

    private long review(Connection connection, Random random) throws SQLException {
        return update(
                connection,
                "INSERT INTO review (product_id, customer_id, rating, body, sentiment) VALUES (?,"
                        + " ?, ?, ?, random())",
                product(random),
                customer(random),
                1 + random.nextInt(5),
                random.nextBoolean() ? "Ça marche — très bien" : null);
    }

    private long deleteReview(Connection connection, Random random) throws SQLException {
        return update(
                connection,
                "DELETE FROM review WHERE id = (SELECT id FROM review WHERE id >= ? ORDER BY id"
                        + " LIMIT 1 FOR UPDATE SKIP LOCKED)",
                random.nextInt(1000));
    }

    private long wish(Connection connection, Random random) throws SQLException {
        alone(connection);
        return update(
                connection,
                "INSERT INTO wishlist_item (customer_id, product_id) VALUES (?, ?) ON CONFLICT"
                        + " DO NOTHING",
                customer(random),
                product(random));
    }

    /// An update of the key itself.
    private long wishForAnother(Connection connection, Random random) throws SQLException {
        alone(connection);
        int product = product(random);
        return update(
                connection,
                "UPDATE wishlist_item w SET product_id = ? WHERE (customer_id, product_id) ="
                        + " (SELECT customer_id, product_id FROM wishlist_item WHERE customer_id >="
                        + " ? ORDER BY customer_id, product_id LIMIT 1) AND NOT EXISTS (SELECT"
                        + " FROM wishlist_item x WHERE x.customer_id = w.customer_id AND"
                        + " x.product_id = ?)",
                product,
                customer(random),
                product);
    }

    private long countStock(Connection connection, Random random) throws SQLException {
        int from = product(random);
        return update(
                connection,
                "WITH locked AS (SELECT product_id FROM stock WHERE warehouse_id = 3 AND product_id"
                        + " BETWEEN ? AND ? ORDER BY product_id FOR UPDATE) UPDATE stock SET"
                        + " reserved = 0, on_hand = on_hand + 1, updated_at = now() FROM locked"
                        + " WHERE warehouse_id = 3 AND stock.product_id = locked.product_id",
                from,
                from + 20);
    }

    private long useCoupons(Connection connection, Random random) throws SQLException {
        alone(connection);
        return update(
                connection,
                "UPDATE coupon SET uses = uses + 1 WHERE active AND percent > ?::numeric",
                random.nextInt(40));
    }

    private long forgetEvents(Connection connection, Random random) throws SQLException {
        return update(
                connection,
                "DELETE FROM audit_event WHERE id IN (SELECT id FROM audit_event ORDER BY id LIMIT"
                        + " ? FOR UPDATE SKIP LOCKED)",
                1 + random.nextInt(3));
    }

    private static long event(Connection connection, String action, long touched)
            throws SQLException {
        return update(
                connection,
                "INSERT INTO audit_event (actor, action, touched, details) VALUES ('web', ?,"
                        + " ARRAY[?::bigint], '{\"by\": \"traffic\"}')",
                action,
                touched);
    }

    /// One such deed at a time: they touch rows that they don't know beforehand.
    private static void alone(Connection connection) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute("SELECT pg_advisory_xact_lock(20)");
        }
    }

    private int customer(Random random) {
        return 1 + random.nextInt(customers);
    }

    private int product(Random random) {
        return 1 + random.nextInt(products);
    }

    /// The newest orders get the most attention.
    private int order(Random random) {
        return 1 + (int) (orders * Math.sqrt(random.nextDouble()));
    }

    private static long update(Connection connection, String sql, @Nullable Object... values)
            throws SQLException {
        try (PreparedStatement statement = prepared(connection, sql, values)) {
            return statement.executeUpdate();
        }
    }

    /// The number that the statement returns; 0 when it hit no row.
    private static long returned(Connection connection, String sql, @Nullable Object... values)
            throws SQLException {
        try (PreparedStatement statement = prepared(connection, sql, values);
                ResultSet row = statement.executeQuery()) {
            return row.next() ? row.getLong(1) : 0;
        }
    }

    private static PreparedStatement prepared(
            Connection connection, String sql, @Nullable Object... values) throws SQLException {
        PreparedStatement statement = connection.prepareStatement(sql);
        try {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            return statement;
        } catch (SQLException e) {
            statement.close();
            throw e;
        }
    }
}
