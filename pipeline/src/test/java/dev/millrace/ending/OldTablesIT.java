package dev.millrace.ending;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.change.TableId;
import dev.millrace.ending.OldTables.Plan;
import dev.millrace.postgres.Database;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// Renames tables of a real server as a role that is not a superuser.
class OldTablesIT {

    private static final List<TableId> TABLES =
            List.of(new TableId("public", "orders"), new TableId("shop", "Line items"));

    private final TestDatabase server = PostgresServer.shared().newDatabase();
    private final String role = "owner_" + server.name();
    private Database source;
    private OldTables old;

    @BeforeEach
    void createTables() {
        server.execute(
                "CREATE ROLE " + role + " LOGIN PASSWORD 'pw'",
                "CREATE SCHEMA shop",
                "GRANT ALL ON SCHEMA public, shop TO " + role,
                "CREATE TABLE orders (id int)",
                "CREATE TABLE shop.\"Line items\" (id int)",
                "ALTER TABLE orders OWNER TO " + role,
                "ALTER TABLE shop.\"Line items\" OWNER TO " + role);
        source = new Database("test", server.url(), role, "pw");
        old = new OldTables(source);
    }

    @AfterEach
    void close() {
        source.close();
    }

    private List<List<String>> names() {
        return server.query(
                "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace IN ('public'::regnamespace, 'shop'::regnamespace) ORDER BY 1");
    }

    private String problems(String suffix) {
        Plan plan = old.plan(TABLES, suffix);
        assertThat(plan.gate().ok()).isEqualTo(plan.problems().isEmpty());
        assertThat(plan.gate().forceable()).isFalse();
        return plan.gate().reason();
    }

    @Test
    void theTablesAreRenamedTogetherAndOnlyOnce() throws Exception {
        Plan plan = old.plan(TABLES, "_old");
        assertThat(plan.problems()).isEmpty();

        String note = old.rename(plan.renames());

        assertThat(note)
                .isEqualTo(
                        "Renamed: public.orders to orders_old, shop.Line items to Line items_old.");
        assertThat(names()).containsExactly(List.of("Line items_old"), List.of("orders_old"));
        // A kill may hide that it was done.
        assertThat(old.rename(plan.renames())).isEqualTo(note);
        assertThat(names()).containsExactly(List.of("Line items_old"), List.of("orders_old"));
    }

    @Test
    void aTableThatOthersHaveDroppedIsNamed() throws Exception {
        Plan plan = old.plan(TABLES, "_old");
        server.execute("DROP TABLE orders");

        assertThat(old.rename(plan.renames()))
                .startsWith("Renamed: shop.")
                .endsWith("Dropped or renamed by others meanwhile: public.orders to orders_old.");
    }

    @Test
    void nothingIsRenamedIfOneTableCannotBe() {
        Plan plan = old.plan(TABLES, "_old");
        server.execute("CREATE TABLE shop.\"Line items_old\" (id int)");

        assertThatThrownBy(() -> old.rename(plan.renames())).isInstanceOf(SQLException.class);

        assertThat(names()).contains(List.of("orders")).doesNotContain(List.of("orders_old"));
    }

    @Test
    void aLockedTableIsNotWaitedForWithoutEnd() throws Exception {
        Plan plan = old.plan(TABLES, "_old");
        try (Connection reader = server.connect();
                Statement statement = reader.createStatement()) {
            reader.setAutoCommit(false);
            statement.execute("SELECT FROM orders");

            assertThatThrownBy(() -> old.rename(plan.renames()))
                    .isInstanceOfSatisfying(
                            SQLException.class,
                            e -> assertThat(e.getSQLState()).isEqualTo("55P03"));
        }
        assertThat(old.rename(plan.renames())).startsWith("Renamed: public.orders");
    }

    @Test
    void aTakenNameRefuses() {
        server.execute("CREATE VIEW orders_old AS SELECT 1 AS one");
        assertThat(problems("_old")).contains("public.orders_old is taken");

        server.execute("CREATE TYPE shop.\"Line items_was\" AS (one int)");
        assertThat(problems("_was")).contains("shop.Line items_was is taken");
    }

    @Test
    void aTableOfAnotherRoleRefuses() {
        server.execute("ALTER TABLE orders OWNER TO CURRENT_USER");

        assertThat(problems("_old")).contains("Table public.orders belongs to another role");
    }

    @Test
    void aSchemaWithoutCreateRefuses() {
        server.execute("REVOKE CREATE ON SCHEMA shop FROM " + role);

        assertThat(problems("_old")).contains("without CREATE on its schema");
    }

    @Test
    void aNameThatPostgresqlWouldCutRefuses() {
        assertThat(problems("_" + "x".repeat(60))).contains("too long");
    }
}
