package dev.millrace.demo;

import java.sql.SQLException;
import java.util.List;

/// Transactions on customers, addresses, sessions and audit events.
final class CustomerWorkload {

    private CustomerWorkload() {}

    static long renameCustomer(WorkloadTransaction turn) throws SQLException {
        int customer = turn.customer();
        return turn.update(
                        "UPDATE customer SET last_name = ?, email = ?, updated_at = now() WHERE id"
                                + " = ?",
                        List.of("Åberg", "de la Cruz", "Łukasik", "Young", "Weiß")
                                .get(turn.below(5)),
                        "new.name." + turn.below(1_000_000) + "@example.org",
                        customer)
                + turn.event("rename", customer);
    }

    static long changePreferences(WorkloadTransaction turn) throws SQLException {
        return turn.update(
                "UPDATE customer SET preferences = preferences || jsonb_build_object('theme', ?),"
                        + " tags = tags || ?::text, marketing_opt_in = NOT marketing_opt_in,"
                        + " credit = credit + 1.25 WHERE id = ? AND cardinality(tags) < 9",
                turn.below(9),
                "tag " + turn.below(9),
                turn.customer());
    }

    static long deleteOrRestoreCustomer(WorkloadTransaction turn) throws SQLException {
        return turn.update(
                "UPDATE customer SET deleted_at = CASE WHEN deleted_at IS NULL THEN now() END,"
                        + " updated_at = now() WHERE id = ?",
                turn.customer());
    }

    static long moveHouse(WorkloadTransaction turn) throws SQLException {
        return turn.update(
                "UPDATE address SET street = ?, postal_code = ? WHERE customer_id = ? AND"
                        + " is_default",
                "Rue de l'Église " + turn.below(99),
                Integer.toString(10_000 + turn.below(80_000)),
                turn.customer());
    }

    static long beginSessions(WorkloadTransaction turn) throws SQLException {
        return turn.update(
                "INSERT INTO session (customer_id, ip, user_agent) SELECT ?, '172.16.0.0'::inet +"
                        + " n, 'curl/8' FROM generate_series(1, ?) n",
                turn.customer(),
                1 + turn.below(4));
    }

    static long endSessions(WorkloadTransaction turn) throws SQLException {
        return turn.update(
                "DELETE FROM session WHERE token IN (SELECT token FROM session ORDER BY token LIMIT"
                        + " ? FOR UPDATE SKIP LOCKED)",
                1 + turn.below(4));
    }

    static long forgetEvents(WorkloadTransaction turn) throws SQLException {
        return turn.update(
                "DELETE FROM audit_event WHERE id IN (SELECT id FROM audit_event ORDER BY id LIMIT"
                        + " ? FOR UPDATE SKIP LOCKED)",
                1 + turn.below(3));
    }
}
