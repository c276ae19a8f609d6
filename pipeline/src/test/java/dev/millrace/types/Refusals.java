package dev.millrace.types;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.preflight.plan.Finding;
import dev.millrace.spec.MigrationSpec;
import dev.millrace.testing.TestDatabase;
import dev.millrace.types.TypeTable.Type;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/// Plans a migration of tables whose types are refused: one table with a column of each type that
/// cannot be carried, and one table for each type that can be indexed but not be a key.
final class Refusals {

    /// SQLSTATE of a type without an operator class for an index.
    private static final String UNDEFINED_OBJECT = "42704";

    /// Counts the objects that a migration could leave.
    private static final String TRACES =
            """
            SELECT (SELECT count(*) FROM pg_class) || '/' || (SELECT count(*) FROM pg_namespace)
                || '/' || (SELECT count(*) FROM pg_publication) || '/' || (SELECT count(*) FROM pg_proc)
                || '/' || (SELECT count(*) FROM pg_replication_slots WHERE database = current_database())
            """;

    private Refusals() {}

    /// Asserts that each type is refused by name with a remedy, and that nothing was created.
    static void prove(
            TestDatabase source, TestDatabase target, int version, List<Type> all, Proofs proofs)
            throws Exception {
        List<Type> types = all.stream().filter(type -> type.since() <= version).toList();
        List<Type> values = types.stream().filter(Type::refused).toList();
        List<Type> keys = new ArrayList<>();
        for (TestDatabase side : List.of(source, target)) {
            keys = create(side, types, values);
        }
        MigrationSpec spec = TypeRun.granted(source, target);
        List<@Nullable String> before = List.of(traces(source), traces(target));

        List<Finding> findings = TypeRun.refused(spec);

        assertThat(List.of(traces(source), traces(target))).isEqualTo(before);
        assertThat(findings).allMatch(found -> !found.remedy().isBlank());
        for (Type type : values) {
            String message = "the value of c" + type.number() + " is " + type.sql() + ",";
            if (says(findings, message)) {
                proofs.refuseValue(type);
            }
        }
        for (Type type : keys) {
            if (says(findings, "key column k of public.r" + type.number() + " is ")) {
                proofs.refuseKey(type);
            }
        }
        assertThat(findings).hasSize(values.size() + keys.size());
    }

    private static boolean says(List<Finding> findings, String message) {
        return findings.stream().anyMatch(found -> found.message().contains(message));
    }

    /// @return the types of the tables whose key is refused
    private static List<Type> create(TestDatabase side, List<Type> types, List<Type> values)
            throws SQLException {
        List<Type> keys = new ArrayList<>();
        try (Connection session = TypeScene.pinned(side)) {
            TypeScene.createTypes(session, types);
            TypeScene.execute(
                    session,
                    values.stream()
                            .map(type -> ", c" + type.number() + " " + type.sql())
                            .collect(
                                    Collectors.joining(
                                            "", "CREATE TABLE refused (id int PRIMARY KEY", ")")));
            for (Type type : types) {
                if (!type.key() && !type.refused() && canBeIndexed(session, type)) {
                    keys.add(type);
                }
            }
        }
        return keys;
    }

    private static boolean canBeIndexed(Connection session, Type type) throws SQLException {
        try {
            TypeScene.execute(
                    session,
                    "CREATE TABLE r" + type.number() + " (k " + type.sql() + " PRIMARY KEY)");
            return true;
        } catch (SQLException e) {
            if (e.getCause() instanceof SQLException cause
                    && UNDEFINED_OBJECT.equals(cause.getSQLState())) {
                return false;
            }
            throw e;
        }
    }

    private static @Nullable String traces(TestDatabase side) {
        return side.value(TRACES);
    }
}
