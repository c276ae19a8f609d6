package dev.millrace.apply;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.apply.refusal.TableStop;
import dev.millrace.apply.rows.CompactedBatch;
import dev.millrace.apply.rows.RowWriter;
import dev.millrace.apply.sql.IncompleteRows;
import dev.millrace.apply.sql.TableRule;
import dev.millrace.apply.sql.TableRule.PartOfRow;
import dev.millrace.apply.sql.TableRule.Truncation;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.TargetChange;
import dev.millrace.change.Token;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.mapping.WayBack.PartOf;
import dev.millrace.postgres.Database;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/// A row whose columns arrive in two parts. It exists when both have come, and keeps what no part
/// supplies as long as one of them exists.
class PartsOfRowsIT {

    private static final TestDatabase DATABASE = PostgresServer.shared().newTarget();
    private static final TableId USERS = new TableId("public", "users");
    private static final List<String> STORED = List.of("id", "name", "email", "note");
    private static final List<String> SUPPLIED = List.of("id", "name", "email");
    private static final TableId INCOMPLETE = new TableId("millrace", "parts_0_test");
    private static final RowSchema NAMES = part("names", "name");
    private static final RowSchema MAILS = part("mails", "email");
    private static final Map<TableId, TableRule> RULES =
            Map.of(NAMES.table(), rule(0), MAILS.table(), rule(1));

    private static Login login;

    private final List<TargetChange> batch = new ArrayList<>();

    private static RowSchema part(String part, String column) {
        return RowSchema.keyed(USERS.withPart(part), List.of("id", column), List.of("id"));
    }

    private static TableRule rule(int number) {
        return new TableRule(
                Map.of(),
                new Truncation.Table(),
                Optional.of(
                        new PartOfRow(
                                INCOMPLETE,
                                List.of("id"),
                                new PartOf(number, 2, STORED, SUPPLIED))));
    }

    @BeforeAll
    static void create() {
        DATABASE.execute(
                "CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL, email varchar(60) NOT"
                        + " NULL, note text DEFAULT 'none')");
        login = GrantedLogins.apply(DATABASE);
    }

    @BeforeEach
    void begin() throws Exception {
        DATABASE.execute("TRUNCATE users");
        try (Database database = login.database("test")) {
            new IncompleteRows(database, RULES).create();
        }
    }

    private static Token token() {
        return new Token(1, 0, 0);
    }

    private void upsert(RowSchema part, int id, @Nullable String value) {
        batch.add(new TargetChange.Upsert(token(), Row.of(part, Integer.toString(id), value)));
    }

    private void unchanged(RowSchema part, int id) {
        batch.add(
                new TargetChange.Upsert(
                        token(),
                        new Row.Builder(part).text(0, Integer.toString(id)).unchanged(1).build()));
    }

    private void delete(RowSchema part, int id) {
        RowSchema key = RowSchema.keyed(part.table(), List.of("id"), List.of("id"));
        batch.add(new TargetChange.Delete(token(), Row.of(key, Integer.toString(id))));
    }

    private void write() throws Exception {
        try (Connection connection = login.connect()) {
            connection.setAutoCommit(false);
            RowWriter rows = new RowWriter(connection, RULES);
            CompactedBatch compacted = CompactedBatch.of(0, batch, Set.of(), Set.of(), _ -> false);
            for (var table : compacted.tables().entrySet()) {
                rows.deleteParts(table.getKey(), table.getValue());
            }
            for (var table : compacted.tables().entrySet()) {
                rows.write(table.getKey(), table.getValue(), true);
            }
            connection.commit();
        }
        batch.clear();
    }

    private static List<List<String>> users() {
        return DATABASE.query("SELECT id, name, email, note FROM users ORDER BY id");
    }

    private static List<List<String>> incomplete() {
        return DATABASE.query(
                "SELECT id, \"millrace parts\" FROM millrace.parts_0_test ORDER BY id");
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void aNewRowWaitsForAllParts(boolean oneBatch) throws Exception {
        upsert(MAILS, 1, "a@x");
        if (!oneBatch) {
            write();
            assertThat(users()).isEmpty();
            assertThat(incomplete()).isEqualTo(List.of(List.of("1", "2")));
        }
        upsert(NAMES, 1, "Ann");
        write();

        assertThat(users()).isEqualTo(List.of(List.of("1", "Ann", "a@x", "none")));
        assertThat(incomplete()).isEmpty();
    }

    @Test
    void anUpdateWritesTheColumnsOfItsPart() throws Exception {
        DATABASE.execute("INSERT INTO users VALUES (1, 'Ann', 'a@x', 'kept')");
        upsert(MAILS, 1, "b@x");
        unchanged(NAMES, 1);
        write();

        assertThat(users()).isEqualTo(List.of(List.of("1", "Ann", "b@x", "kept")));
    }

    @Test
    void theDrivingPartDeletesTheRowAndTheOthersWait() throws Exception {
        DATABASE.execute("INSERT INTO users VALUES (1, 'Ann', 'a@x', 'kept')");
        delete(NAMES, 1);
        write();
        assertThat(users()).isEmpty();
        assertThat(incomplete()).isEqualTo(List.of(List.of("1", "2")));

        upsert(MAILS, 1, "b@x");
        write();
        upsert(NAMES, 1, "Bea");
        write();
        assertThat(users()).isEqualTo(List.of(List.of("1", "Bea", "b@x", "kept")));
        assertThat(incomplete()).isEmpty();
    }

    @Test
    void aRowThatLostAnotherPartStaysAndIsIncomplete() throws Exception {
        DATABASE.execute("INSERT INTO users VALUES (1, 'Ann', 'a@x', 'kept')");
        delete(MAILS, 1);
        write();
        assertThat(users()).isEqualTo(List.of(List.of("1", "Ann", "a@x", "kept")));
        assertThat(incomplete()).isEqualTo(List.of(List.of("1", "1")));

        delete(NAMES, 1);
        write();
        assertThat(users()).isEmpty();
        assertThat(incomplete()).isEmpty();
    }

    @Test
    void aRowThatIsReplacedInOneBatchIsAnotherRow() throws Exception {
        DATABASE.execute("INSERT INTO users VALUES (1, 'Ann', 'a@x', 'old')");
        delete(NAMES, 1);
        delete(MAILS, 1);
        upsert(NAMES, 1, "Bea");
        upsert(MAILS, 1, "b@x");
        write();

        assertThat(users()).isEqualTo(List.of(List.of("1", "Bea", "b@x", "none")));
    }

    @Test
    void aTruncateOfEachPartEmptiesTheTable() throws Exception {
        DATABASE.execute("INSERT INTO users VALUES (1, 'Ann', 'a@x'), (2, 'Bob', 'b@x')");
        upsert(NAMES, 3, "Cid");
        write();
        try (Connection connection = login.connect()) {
            connection.setAutoCommit(false);
            RowWriter rows = new RowWriter(connection, RULES);
            rows.empty(NAMES.table());
            connection.commit();
            assertThat(users()).isEmpty();
            assertThat(incomplete()).isEqualTo(List.of(List.of("1", "2"), List.of("2", "2")));
            rows.empty(MAILS.table());
            connection.commit();
        }
        assertThat(incomplete()).isEmpty();
    }

    @Test
    void whatTheTableRefusesStopsIt() {
        upsert(NAMES, 1, "Ann");
        upsert(MAILS, 1, "x".repeat(61));

        assertThatThrownBy(this::write)
                .isInstanceOfSatisfying(
                        TableStop.class, stop -> assertThat(stop.table()).isEqualTo(USERS))
                .hasMessageContaining("users");
    }

    @Test
    void aStoppedTableRejectsAllItsParts() {
        upsert(NAMES, 1, "Ann");
        delete(MAILS, 2);

        CompactedBatch compacted = CompactedBatch.of(0, batch, Set.of(USERS), Set.of(), _ -> false);

        assertThat(compacted.tables()).isEmpty();
        assertThat(compacted.rejected().counts()).isEqualTo(Map.of(USERS, 2L));
    }

    @Test
    void aPartialRowWithoutAnExistingPartStopsTheTable() {
        batch.add(
                new TargetChange.Upsert(
                        token(), new Row.Builder(NAMES).text(0, "9").unchanged(1).build()));

        assertThatThrownBy(this::write).isInstanceOf(TableStop.class);
    }

    /// Random events of both parts, cut into batches at random, give what the parts say.
    @ParameterizedTest
    @ValueSource(longs = {1, 2, 3})
    void anyEventsInAnyBatchesGiveTheRowsThatHaveAllParts(long seed) throws Exception {
        Random random = new Random(seed);
        List<Map<Integer, String>> parts = List.of(new TreeMap<>(), new TreeMap<>());
        for (int round = 0; round < 60; round++) {
            for (int i = random.nextInt(12); i >= 0; i--) {
                event(random, parts, round + "-" + i);
            }
            write();
            Map<Integer, List<String>> found = new HashMap<>();
            users().forEach(row -> found.put(Integer.valueOf(row.getFirst()), row.subList(1, 3)));
            Map<Integer, String> waiting = new HashMap<>();
            incomplete()
                    .forEach(row -> waiting.put(Integer.valueOf(row.getFirst()), row.getLast()));
            for (int id = 0; id < 6; id++) {
                String name = parts.get(0).get(id);
                String mail = parts.get(1).get(id);
                int bits = (name == null ? 0 : 1) + (mail == null ? 0 : 2);
                if (bits == 3) {
                    assertThat(found.get(id)).as("row %d", id).isEqualTo(List.of(name, mail));
                    assertThat(waiting).doesNotContainKey(id);
                } else if (bits == 0) {
                    assertThat(found).doesNotContainKey(id);
                    assertThat(waiting).doesNotContainKey(id);
                } else {
                    assertThat(waiting).containsEntry(id, Integer.toString(bits));
                    if (name == null) {
                        assertThat(found).doesNotContainKey(id);
                    }
                }
            }
        }
    }

    private void event(Random random, List<Map<Integer, String>> parts, String value) {
        int number = random.nextInt(2);
        Map<Integer, String> part = parts.get(number);
        RowSchema schema = number == 0 ? NAMES : MAILS;
        int id = random.nextInt(6);
        if (!part.containsKey(id) || random.nextInt(3) == 0) {
            part.put(id, value);
            upsert(schema, id, value);
        } else if (random.nextBoolean()) {
            part.remove(id);
            delete(schema, id);
        } else {
            unchanged(schema, id);
        }
    }
}
