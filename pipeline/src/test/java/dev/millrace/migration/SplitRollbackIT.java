package dev.millrace.migration;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.reconcile.ReconciliationReport;
import dev.millrace.spec.switchover.Switchover;
import dev.millrace.spec.switchover.Switchover.Route;
import dev.millrace.switchover.Operation;
import dev.millrace.switchover.Operation.Kind;
import dev.millrace.switchover.Operation.State;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/// A table whose columns are in two target tables, and one whose rows are, move to the target and
/// back: what was written there is on the source.
class SplitRollbackIT {

    private static final String NOTES = "SELECT region, id, body FROM public.note WHERE region = ";
    private static final String PERSONS =
            "SELECT id, user_name, coalesce(email, '-'), street, coalesce(city, '-'), legacy FROM users ORDER BY id";

    private MigrationScene scene;
    private Moves moves;

    @BeforeEach
    void start() throws Exception {
        scene =
                new MigrationScene()
                        .separateRoles()
                        .select("note_us", NOTES + "'us'")
                        .select("note_eu", NOTES + "'eu'")
                        .select("address", "SELECT id AS user_id, street, city FROM public.users")
                        .select(
                                "person",
                                "SELECT id, user_name AS full_name, lower(email) AS email FROM public.users");
        scene.source.execute(
                "CREATE TABLE users (id int PRIMARY KEY, user_name text NOT NULL, email text,"
                        + " street text NOT NULL, city text, legacy text DEFAULT 'new')",
                "CREATE TABLE note (region text, id int, body text, PRIMARY KEY (region, id))",
                "INSERT INTO users SELECT i, 'name ' || i, 'Mail' || i, 'street ' || i, 'city', 'old'"
                        + " FROM generate_series(1, 50) i",
                "INSERT INTO note SELECT r, i, 'old' FROM generate_series(1, 20) i, unnest('{eu,us}'::text[]) r",
                "CREATE TABLE moved (place text)");
        scene.target.execute(
                "CREATE TABLE person (id bigint PRIMARY KEY, full_name text, email text)",
                "CREATE TABLE address (user_id bigint PRIMARY KEY, street text, city text)",
                "CREATE TABLE note_eu (region text, id int, body text, PRIMARY KEY (region, id))",
                "CREATE TABLE note_us (region text, id int, body text, PRIMARY KEY (region, id))");
        scene.route(
                        new Route.Sql(
                                Switchover.Side.SOURCE,
                                "INSERT INTO moved VALUES ('target')",
                                "INSERT INTO moved VALUES ('source')"))
                .reversible();
        moves = new Moves(scene);
        scene.start();
        scene.awaitPhase("IN_SYNC");
        scene.awaitFresh();
        assertThat(scene.reconcile().verdict().word()).isEqualTo("equal");
    }

    @AfterEach
    void stop() {
        scene.close();
    }

    @Test
    void whatBothPartsSayIsOnTheSourceAfterARollback() {
        moves.move(Kind.SWITCHOVER);
        scene.awaitPhase("REVERSIBLE");
        scene.target.execute(
                "INSERT INTO person VALUES (100, 'new', 'new@x')",
                "INSERT INTO address VALUES (100, 'new street', 'new city')",
                "BEGIN; INSERT INTO address VALUES (101, 's', NULL); INSERT INTO person VALUES (101, 'n', NULL); COMMIT",
                "UPDATE person SET full_name = 'renamed' WHERE id = 1",
                "UPDATE address SET city = 'moved' WHERE user_id = 1",
                "UPDATE person SET email = 'changed@x' WHERE id = 2",
                "DELETE FROM person WHERE id IN (3, 4)",
                "DELETE FROM address WHERE user_id IN (3, 4)",
                "INSERT INTO address VALUES (4, 'again', 'c')",
                "INSERT INTO person VALUES (4, 'again', 'e')",
                "DELETE FROM person WHERE id = 5",
                "INSERT INTO person VALUES (5, 'back', 'mail5')",
                "UPDATE person SET id = 106 WHERE id = 6",
                "UPDATE address SET user_id = 106 WHERE user_id = 6",
                "UPDATE note_eu SET body = 'eu' WHERE id = 1",
                "DELETE FROM note_us WHERE id = 1",
                "INSERT INTO note_us VALUES ('us', 100, 'new')");

        moves.move(Kind.ROLLBACK);
        scene.awaitPhase("IN_SYNC");

        List<List<String>> users = scene.source.query(PERSONS);
        assertThat(users)
                .contains(
                        List.of("1", "renamed", "Mail1", "street 1", "moved", "old"),
                        List.of("2", "name 2", "changed@x", "street 2", "city", "old"),
                        List.of("4", "again", "e", "again", "c", "new"),
                        List.of("5", "back", "Mail5", "street 5", "city", "old"),
                        List.of("7", "name 7", "Mail7", "street 7", "city", "old"),
                        List.of("100", "new", "new@x", "new street", "new city", "new"),
                        List.of("101", "n", "-", "s", "-", "new"));
        assertThat(users)
                .extracting(List::getFirst)
                .doesNotContain("3", "6")
                .contains("106")
                .hasSize(51);
        assertThat(scene.source.value("SELECT body FROM note WHERE region = 'eu' AND id = 1"))
                .isEqualTo("eu");
        assertThat(scene.source.query("SELECT region, id FROM note WHERE id IN (1, 100)"))
                .containsExactlyInAnyOrder(List.of("eu", "1"), List.of("us", "100"));
        assertThat(scene.source.query("SELECT relname FROM pg_class WHERE relname LIKE 'parts_%'"))
                .isEmpty();

        scene.source.execute("UPDATE users SET city = 'after' WHERE id = 100");
        scene.awaitFresh();
        assertThat(scene.reconcile().verdict().word()).isEqualTo("equal");
    }

    /// The source has no row for it, so the rollback would lose it.
    @Test
    void aRowThatLacksAPartKeepsTheTrafficOnTheTarget() {
        moves.move(Kind.SWITCHOVER);
        scene.awaitPhase("REVERSIBLE");
        scene.target.execute("INSERT INTO person VALUES (100, 'alone', NULL)");

        assertThat(scene.reconcile("public.address").verdict().word()).isEqualTo("equal");
        ReconciliationReport report = scene.reconcile("public.person");
        assertThat(report.verdict().word()).isEqualTo("different");
        assertThat(report.tables().getFirst().target()).isEqualTo("public.users (public.person)");

        Operation refused = moves.end(Kind.ROLLBACK);
        assertThat(refused.state()).as(refused.toString()).isNotEqualTo(State.DONE);
        scene.awaitPhase("REVERSIBLE");

        scene.target.execute("INSERT INTO address VALUES (100, 'street', NULL)");
        assertThat(scene.reconcile().verdict().word()).isEqualTo("equal");
        assertThat(scene.running().status().lastReconciliation())
                .isNotNull()
                .satisfies(last -> assertThat(last.verdict()).isEqualTo("equal"));
        moves.move(Kind.ROLLBACK);
        assertThat(scene.source.query("SELECT user_name, street FROM users WHERE id = 100"))
                .isEqualTo(List.of(List.of("alone", "street")));
    }
}
