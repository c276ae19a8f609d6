package dev.millrace.demo;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.Random;

/// Products, their stock, and what people say of them. Immutable.
final class CatalogDeeds {

    private final ShopSize shop;

    CatalogDeeds(ShopSize shop) {
        this.shop = shop;
    }

    long changePrice(Connection connection, Random random) throws SQLException {
        int product = shop.product(random);
        return ShopSql.update(
                        connection,
                        "UPDATE product SET price = greatest(0.5, round(price * ?::numeric, 2))"
                                + " WHERE id = ?",
                        0.9 + random.nextInt(25) / 100.0,
                        product)
                + ShopSql.update(
                        connection,
                        "INSERT INTO price_history (product_id, price) SELECT id, price FROM"
                                + " product WHERE id = ?",
                        product);
    }

    long listOrUnlist(Connection connection, Random random) throws SQLException {
        return ShopSql.update(
                connection,
                "UPDATE product SET discontinued = NOT discontinued WHERE id = ?",
                shop.product(random));
    }

    long countStock(Connection connection, Random random) throws SQLException {
        int from = shop.product(random);
        return ShopSql.update(
                connection,
                "WITH locked AS (SELECT product_id FROM stock WHERE warehouse_id = 3 AND product_id"
                        + " BETWEEN ? AND ? ORDER BY product_id FOR UPDATE) UPDATE stock SET"
                        + " reserved = 0, on_hand = on_hand + 1, updated_at = now() FROM locked"
                        + " WHERE warehouse_id = 3 AND stock.product_id = locked.product_id",
                from,
                from + 20);
    }

    long useCoupons(Connection connection, Random random) throws SQLException {
        ShopSql.alone(connection);
        return ShopSql.update(
                connection,
                "UPDATE coupon SET uses = uses + 1 WHERE active AND percent > ?::numeric",
                random.nextInt(40));
    }

    long review(Connection connection, Random random) throws SQLException {
        return ShopSql.update(
                connection,
                "INSERT INTO review (product_id, customer_id, rating, body, sentiment) VALUES (?,"
                        + " ?, ?, ?, random())",
                shop.product(random),
                shop.customer(random),
                1 + random.nextInt(5),
                random.nextBoolean() ? "Ça marche — très bien" : null);
    }

    long deleteReview(Connection connection, Random random) throws SQLException {
        return ShopSql.update(
                connection,
                "DELETE FROM review WHERE id = (SELECT id FROM review WHERE id >= ? ORDER BY id"
                        + " LIMIT 1 FOR UPDATE SKIP LOCKED)",
                random.nextInt(1000));
    }

    long wish(Connection connection, Random random) throws SQLException {
        ShopSql.alone(connection);
        return ShopSql.update(
                connection,
                "INSERT INTO wishlist_item (customer_id, product_id) VALUES (?, ?) ON CONFLICT"
                        + " DO NOTHING",
                shop.customer(random),
                shop.product(random));
    }

    /// An update of the key itself.
    long wishForAnother(Connection connection, Random random) throws SQLException {
        ShopSql.alone(connection);
        int product = shop.product(random);
        return ShopSql.update(
                connection,
                "UPDATE wishlist_item w SET product_id = ? WHERE (customer_id, product_id) ="
                        + " (SELECT customer_id, product_id FROM wishlist_item WHERE customer_id >="
                        + " ? ORDER BY customer_id, product_id LIMIT 1) AND NOT EXISTS (SELECT"
                        + " FROM wishlist_item x WHERE x.customer_id = w.customer_id AND"
                        + " x.product_id = ?)",
                product,
                shop.customer(random),
                product);
    }
}
