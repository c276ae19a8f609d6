package dev.millrace.demo;

import java.sql.SQLException;
import java.util.List;

/// Transactions on customers, products, sessions and reviews in the target's schema. They keep the
/// columns and tables that the mappings derive as the mappings do.
final class MarketWorkload {

    private MarketWorkload() {}

    static long changePrice(WorkloadTransaction turn) throws SQLException {
        int product = turn.product();
        return turn.update(
                        "UPDATE catalog.product SET price_cents = cents, price_band = CASE WHEN"
                                + " cents < 2000 THEN 'budget' WHEN cents < 20000 THEN 'standard'"
                                + " ELSE 'premium' END FROM (SELECT greatest(50, round(price_cents"
                                + " * ?::numeric))::bigint AS cents FROM catalog.product WHERE id ="
                                + " ? FOR UPDATE) WHERE id = ?",
                        0.9 + turn.below(25) / 100.0,
                        product,
                        product)
                + turn.update(
                        "INSERT INTO catalog.price_history SELECT id, clock_timestamp(),"
                                + " price_cents / 100.0 FROM catalog.product WHERE id = ?",
                        product);
    }

    static long listOrUnlist(WorkloadTransaction turn) throws SQLException {
        int product = turn.product();
        return turn.update(
                        "UPDATE catalog.product SET sellable = NOT sellable WHERE id = ?", product)
                + turn.update(
                        "DELETE FROM inventory.item WHERE product_id = ? AND NOT (SELECT sellable"
                                + " FROM catalog.product WHERE id = product_id)",
                        product)
                + turn.update(
                        "INSERT INTO inventory.item SELECT id, sku, weight_kg * 1000 FROM"
                                + " catalog.product WHERE id = ? AND sellable",
                        product);
    }

    static long renameCustomer(WorkloadTransaction turn) throws SQLException {
        int customer = turn.customer();
        String email = "market.name." + turn.below(1_000_000) + "@example.org";
        String name = List.of("Åberg", "de la Cruz", "Łukasik", "Weiß").get(turn.below(4));
        return turn.update(
                        "UPDATE crm.customer SET family_name = ?, full_name = given_name || ' ' ||"
                                + " ?, email = ?, changed_at = now() WHERE id = ?",
                        name,
                        name,
                        email,
                        customer)
                + turn.update(
                        "UPDATE crm.subscriber SET email = ? WHERE customer_id = ?",
                        email,
                        customer);
    }

    static long changeSubscription(WorkloadTransaction turn) throws SQLException {
        int customer = turn.customer();
        return turn.update(
                        "UPDATE crm.customer SET wants_mail = NOT wants_mail, credit_cents ="
                                + " credit_cents + 125 WHERE id = ?",
                        customer)
                + turn.update("DELETE FROM crm.subscriber WHERE customer_id = ?", customer)
                + turn.update(
                        "INSERT INTO crm.subscriber SELECT id, email FROM crm.customer WHERE id ="
                                + " ? AND wants_mail AND closed_at IS NULL",
                        customer);
    }

    static long moveHouse(WorkloadTransaction turn) throws SQLException {
        return turn.update(
                "UPDATE crm.address SET line_1 = ?, country_code = 'NO' WHERE customer_id = ? AND"
                        + " is_default",
                "Øvregaten " + turn.below(99),
                turn.customer());
    }

    static long beginSessions(WorkloadTransaction turn) throws SQLException {
        return turn.update(
                "INSERT INTO web.session (token, customer_id, ip, started_at, lasts) SELECT"
                        + " gen_random_uuid(), ?, '172.17.0.0'::inet + n, now(), '30 minutes' FROM"
                        + " generate_series(1, ?) n",
                turn.customer(),
                1 + turn.below(4));
    }

    static long endSessions(WorkloadTransaction turn) throws SQLException {
        return turn.update(
                "DELETE FROM web.session WHERE token IN (SELECT token FROM web.session ORDER BY"
                        + " token LIMIT ? FOR UPDATE SKIP LOCKED)",
                1 + turn.below(4));
    }

    static long review(WorkloadTransaction turn) throws SQLException {
        int rating = 1 + turn.below(5);
        return turn.update(
                "INSERT INTO community.review (product_id, customer_id, rating, is_positive, body,"
                        + " body_length, sentiment, created_at) SELECT ?, ?, ?, ?, body,"
                        + " length(body), random(), now() FROM (VALUES ('Très bien — 很好'))"
                        + " v (body)",
                turn.product(),
                turn.customer(),
                rating,
                rating >= 4);
    }

    static long deleteReview(WorkloadTransaction turn) throws SQLException {
        return turn.update(
                "DELETE FROM community.review WHERE id = (SELECT id FROM community.review WHERE id"
                        + " >= ? ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)",
                turn.below(1000));
    }

    static long wish(WorkloadTransaction turn) throws SQLException {
        turn.alone();
        return turn.update(
                "INSERT INTO crm.wishlist_item VALUES (?, ?, now()) ON CONFLICT DO NOTHING",
                turn.customer(),
                turn.product());
    }
}
