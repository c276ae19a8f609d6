package dev.millrace.demo;

import java.sql.Connection;
import java.sql.SQLException;
import java.util.List;
import java.util.Random;

/// Customers, their addresses and visits. Immutable.
final class CustomerDeeds {

    private final ShopSize shop;

    CustomerDeeds(ShopSize shop) {
        this.shop = shop;
    }

    long renameCustomer(Connection connection, Random random) throws SQLException {
        int customer = shop.customer(random);
        return ShopSql.update(
                        connection,
                        "UPDATE customer SET last_name = ?, email = ?, updated_at = now() WHERE id"
                                + " = ?",
                        List.of("Åberg", "de la Cruz", "Łukasik", "Young", "Weiß")
                                .get(random.nextInt(5)),
                        "New.Name." + random.nextInt(1_000_000) + "@Example.ORG",
                        customer)
                + ShopSql.event(connection, "rename", customer);
    }

    long changePreferences(Connection connection, Random random) throws SQLException {
        return ShopSql.update(
                connection,
                "UPDATE customer SET preferences = preferences || jsonb_build_object('theme', ?),"
                        + " tags = tags || ?::text, marketing_opt_in = NOT marketing_opt_in,"
                        + " credit = credit + 1.25 WHERE id = ? AND cardinality(tags) < 9",
                random.nextInt(9),
                "tag " + random.nextInt(9),
                shop.customer(random));
    }

    long deleteOrRestoreCustomer(Connection connection, Random random) throws SQLException {
        return ShopSql.update(
                connection,
                "UPDATE customer SET deleted_at = CASE WHEN deleted_at IS NULL THEN now() END,"
                        + " updated_at = now() WHERE id = ?",
                shop.customer(random));
    }

    long moveHouse(Connection connection, Random random) throws SQLException {
        return ShopSql.update(
                connection,
                "UPDATE address SET street = ?, postal_code = ? WHERE customer_id = ? AND"
                        + " is_default",
                "Rue de l'Église " + random.nextInt(99),
                Integer.toString(10_000 + random.nextInt(80_000)),
                shop.customer(random));
    }

    long beginSessions(Connection connection, Random random) throws SQLException {
        return ShopSql.update(
                connection,
                "INSERT INTO session (customer_id, ip, user_agent) SELECT ?, '172.16.0.0'::inet +"
                        + " n, 'curl/8' FROM generate_series(1, ?) n",
                shop.customer(random),
                1 + random.nextInt(4));
    }

    long endSessions(Connection connection, Random random) throws SQLException {
        return ShopSql.update(
                connection,
                "DELETE FROM session WHERE token IN (SELECT token FROM session ORDER BY token LIMIT"
                        + " ? FOR UPDATE SKIP LOCKED)",
                1 + random.nextInt(4));
    }

    long forgetEvents(Connection connection, Random random) throws SQLException {
        return ShopSql.update(
                connection,
                "DELETE FROM audit_event WHERE id IN (SELECT id FROM audit_event ORDER BY id LIMIT"
                        + " ? FOR UPDATE SKIP LOCKED)",
                1 + random.nextInt(3));
    }
}
