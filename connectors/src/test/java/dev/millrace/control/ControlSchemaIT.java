package dev.millrace.control;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.apply.ApplierScenario;
import dev.millrace.apply.origin.ReplicaRole;
import dev.millrace.change.Token;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.util.List;
import org.junit.jupiter.api.Test;

class ControlSchemaIT {

    private final TestDatabase database = PostgresServer.shared().newDatabase();

    /// A role with no more rights than any role has.
    private Login as(String role) {
        database.execute(
                "DROP ROLE IF EXISTS " + role, "CREATE ROLE " + role + " LOGIN PASSWORD 'pw'");
        return new Login(new TestDatabase(database.url(), role, "pw"));
    }

    @Test
    void createsTheSchemaOnce() throws Exception {
        Login login = GrantedLogins.apply(database);

        assertThat(ControlSchema.migrate(ApplierScenario.sessions(login)))
                .isEqualTo(new ControlSchema.Outcome.Ready());
        database.execute("INSERT INTO millrace.target_table VALUES ('shop', 'public.item', true)");
        assertThat(ControlSchema.migrate(ApplierScenario.sessions(login)))
                .isEqualTo(new ControlSchema.Outcome.Ready());

        assertThat(database.value("SELECT count(*) FROM millrace.target_table")).isEqualTo("1");
    }

    @Test
    void namesTheGrantThatARoleNeeds() throws Exception {
        Login plain = as("plain_role");

        assertThat(ControlSchema.migrate(ApplierScenario.sessions(plain)))
                .isInstanceOfSatisfying(
                        ControlSchema.Outcome.Refused.class,
                        refused ->
                                assertThat(refused.reason())
                                        .contains("GRANT CREATE ON DATABASE", "plain_role"));
        assertThat(database.value("SELECT to_regnamespace('millrace')")).isNull();
    }

    @Test
    void roleWithThePrivilegeCreatesTheSchema() throws Exception {
        Login maker = as("maker_role");
        database.execute(
                "GRANT CREATE ON DATABASE "
                        + database.value("SELECT current_database()")
                        + " TO maker_role");

        assertThat(ControlSchema.migrate(ApplierScenario.sessions(maker)))
                .isEqualTo(new ControlSchema.Outcome.Ready());
        try (Connection connection = maker.connect()) {
            assertThat(ReplicaRole.take(connection)).isEqualTo(ReplicaRole.ORIGIN);
            assertThat(new StoredOffsets("shop", "topic").read(connection).appliedWatermark())
                    .isEmpty();
        }
    }

    @Test
    void refusesASchemaOfAnotherOwner() throws Exception {
        database.execute("CREATE SCHEMA millrace");
        Login other = as("other_role");

        assertThat(ControlSchema.migrate(ApplierScenario.sessions(other)))
                .isInstanceOf(ControlSchema.Outcome.Refused.class);
    }

    @Test
    void generationBeginsOnceAndNeverGoesBack() throws Exception {
        Login login = GrantedLogins.apply(database);
        ControlSchema.migrate(ApplierScenario.sessions(login));
        StoredOffsets offsets = new StoredOffsets("shop", "topic");
        try (Connection connection = login.connect()) {
            offsets.begin(connection, 2, "topic", List.of(5L, 6L));
            StoredOffset first = offsets.read(connection).partitions().getFirst();
            assertThat(first)
                    .isEqualTo(
                            new StoredOffset(
                                    0, "topic", 5, Token.none(2), WatermarkNumber.none(2), 0));
            StoredOffset moved =
                    new StoredOffset(
                            0, "topic", 9, new Token(2, 3, 1), new WatermarkNumber(2, 8), 17);
            assertThat(offsets.move(connection, first, moved, 3)).isTrue();
            assertThat(offsets.move(connection, first, moved, 3)).isFalse();

            offsets.begin(connection, 2, "topic", List.of(5L, 6L));

            AppliedOffsets applied = offsets.read(connection);
            assertThat(applied.partitions().getFirst()).isEqualTo(moved);
            assertThat(applied.rowsApplied()).isEqualTo(3);
            assertThat(applied.appliedWatermark()).contains(WatermarkNumber.none(2));
            assertThatThrownBy(() -> offsets.begin(connection, 1, "topic", List.of(0L, 0L)))
                    .isInstanceOf(IllegalStateException.class);
            assertThatThrownBy(() -> offsets.begin(connection, 2, "other", List.of(0L, 0L)))
                    .isInstanceOf(IllegalStateException.class);

            offsets.begin(connection, 3, "other", List.of(0L));

            assertThat(offsets.read(connection).partitions())
                    .containsExactly(
                            new StoredOffset(
                                    0, "other", 0, Token.none(3), WatermarkNumber.none(3), 0));
        }
    }
}
