package dev.millrace.demo;

import java.sql.SQLException;

/// Transactions on products, prices, stock, reviews and wish lists.
final class CatalogWorkload {

    private CatalogWorkload() {}

    static long changePrice(WorkloadTransaction turn) throws SQLException {
        int product = turn.product();
        return turn.update(
                        "UPDATE product SET price = greatest(0.5, round(price * ?::numeric, 2))"
                                + " WHERE id = ?",
                        0.9 + turn.below(25) / 100.0,
                        product)
                + turn.update(
                        "INSERT INTO price_history (product_id, price) SELECT id, price FROM"
                                + " product WHERE id = ?",
                        product);
    }

    static long listOrUnlist(WorkloadTransaction turn) throws SQLException {
        return turn.update(
                "UPDATE product SET discontinued = NOT discontinued WHERE id = ?", turn.product());
    }

    static long countStock(WorkloadTransaction turn) throws SQLException {
        int from = turn.product();
        return turn.update(
                "WITH locked AS (SELECT product_id FROM stock WHERE warehouse_id = 3 AND product_id"
                        + " BETWEEN ? AND ? ORDER BY product_id FOR UPDATE) UPDATE stock SET"
                        + " reserved = 0, on_hand = on_hand + 1, updated_at = now() FROM locked"
                        + " WHERE warehouse_id = 3 AND stock.product_id = locked.product_id",
                from,
                from + 20);
    }

    static long useCoupons(WorkloadTransaction turn) throws SQLException {
        turn.alone();
        return turn.update(
                "UPDATE coupon SET uses = uses + 1 WHERE active AND percent > ?::numeric",
                turn.below(40));
    }

    static long review(WorkloadTransaction turn) throws SQLException {
        return turn.update(
                "INSERT INTO review (product_id, customer_id, rating, body, sentiment) VALUES (?,"
                        + " ?, ?, ?, random())",
                turn.product(),
                turn.customer(),
                1 + turn.below(5),
                turn.random().nextBoolean() ? "Ça marche — très bien" : null);
    }

    static long deleteReview(WorkloadTransaction turn) throws SQLException {
        return turn.update(
                "DELETE FROM review WHERE id = (SELECT id FROM review WHERE id >= ? ORDER BY id"
                        + " LIMIT 1 FOR UPDATE SKIP LOCKED)",
                turn.below(1000));
    }

    static long wish(WorkloadTransaction turn) throws SQLException {
        turn.alone();
        return turn.update(
                "INSERT INTO wishlist_item (customer_id, product_id) VALUES (?, ?) ON CONFLICT"
                        + " DO NOTHING",
                turn.customer(),
                turn.product());
    }

    /// Updates a primary key.
    static long wishForAnother(WorkloadTransaction turn) throws SQLException {
        turn.alone();
        int product = turn.product();
        return turn.update(
                "UPDATE wishlist_item w SET product_id = ? WHERE (customer_id, product_id) ="
                        + " (SELECT customer_id, product_id FROM wishlist_item WHERE customer_id >="
                        + " ? ORDER BY customer_id, product_id LIMIT 1) AND NOT EXISTS (SELECT"
                        + " FROM wishlist_item x WHERE x.customer_id = w.customer_id AND"
                        + " x.product_id = ?)",
                product,
                turn.customer(),
                product);
    }
}
