package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.lifecycle.ComponentState;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// Apply loses its sessions, and new sessions do not have the privileges of the lost ones.
class LostSessionIT {

    private static final RowSchema ITEM = ApplierScenario.rowSchema("item", "id", "v");
    private static final String[] TABLES = {
        "CREATE TABLE item (id int PRIMARY KEY, v text)",
        "CREATE TABLE fired (id int)",
        "CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql"
                + " AS 'BEGIN INSERT INTO fired VALUES (new.id); RETURN new; END'",
        "CREATE TRIGGER fire AFTER INSERT ON item FOR EACH ROW EXECUTE FUNCTION fire()"
    };

    private static Row item(String id) {
        return Row.of(ITEM, id, "x");
    }

    @Test
    void sessionWithoutTheExpectedReplicaRoleWritesNothing() throws Exception {
        try (var scenario = new ApplierScenario(1, TABLES)) {
            String privilege = "SET ON PARAMETER session_replication_role";
            String role = scenario.login.name();
            TargetApplier applier =
                    scenario.start(
                            ApplierScenario.limits(100), scenario.sessions(), ReplicaRole.REPLICA);
            scenario.upsert(0, item("1"));
            scenario.awaitApplied();

            scenario.database.execute("REVOKE " + privilege + " FROM " + role);
            scenario.endSessions();
            scenario.upsert(0, item("2"));
            scenario.awaitWaiting(applier, "GRANT SET ON PARAMETER session_replication_role TO");
            assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo("1");

            scenario.database.execute("GRANT " + privilege + " TO " + role);
            scenario.awaitApplied();
            scenario.awaitState(applier, ComponentState.Running.class);
            assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo("2");
            assertThat(scenario.database.query("SELECT id FROM fired")).isEmpty();
        }
    }

    @Test
    void waitsForAPasswordAndReportsTheReason() throws Exception {
        try (var scenario = new ApplierScenario(1, TABLES)) {
            String role = scenario.login.name();
            TargetApplier applier = scenario.start();
            scenario.upsert(0, item("1"));
            scenario.awaitApplied();

            for (List<String> change :
                    List.of(
                            List.of("PASSWORD 'other'", "PASSWORD 'pw'", "28P01"),
                            List.of("NOLOGIN", "LOGIN", "28000"))) {
                scenario.database.execute("ALTER ROLE " + role + " " + change.getFirst());
                scenario.endSessions();
                scenario.upsert(0, item("2"));
                scenario.awaitWaiting(applier, change.getLast());
                scenario.database.execute("ALTER ROLE " + role + " " + change.get(1));
                scenario.awaitApplied();
                scenario.awaitState(applier, ComponentState.Running.class);
            }
            assertThat(scenario.database.value("SELECT count(*) FROM item")).isEqualTo("2");
        }
    }

    /// @param silent the error cannot be logged, so the thread ends without a report
    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void repeatedErrorOfAWriterEndsTheApplier(boolean silent) throws Exception {
        AtomicReference<@Nullable Error> next = new AtomicReference<>();
        try (var scenario = new ApplierScenario(2, TABLES)) {
            TargetApplier applier =
                    scenario.start(
                            ApplierScenario.limits(100),
                            () -> {
                                Error error = next.get();
                                if (error != null) {
                                    throw error;
                                }
                                return scenario.sessions().open();
                            });
            scenario.upsert(0, item("1"));
            scenario.awaitApplied();

            next.set(silent ? new Unloggable() : new StackOverflowError());
            scenario.endSessions();
            scenario.upsert(0, item("2"));
            scenario.awaitState(applier, ComponentState.Failed.class);

            assertThat(((ComponentState.Failed) applier.state()).reason())
                    .contains(silent ? "has ended" : "StackOverflowError");
        }
    }

    private static final class Unloggable extends Error {

        private static final long serialVersionUID = 1;

        @Override
        public StackTraceElement[] getStackTrace() {
            throw this;
        }
    }
}
