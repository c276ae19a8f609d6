package dev.millrace.backfill;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.backfill.Leaves.Leaf;
import dev.millrace.backfill.RangeReader.Result;
import dev.millrace.change.Row;
import dev.millrace.change.RowKey;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.RunningTransactions;
import dev.millrace.sql.Relation;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import dev.millrace.testing.TypeSamples;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.awaitility.Awaitility;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class RangeReaderIT {

    private static final TableId ITEM = new TableId("public", "item");
    private static final Predicate<RunningTransactions> NOTHING_HIDDEN = _ -> false;
    private static final RowCopy.Limit NO_LIMIT =
            new RowCopy.Limit(Long.MAX_VALUE, Long.MAX_VALUE, () -> false);

    private final TestDatabase source = PostgresServer.shared().newDatabase();
    private final Login login = GrantedLogins.capture("m", source);
    private Connection session;

    @BeforeEach
    void open() throws SQLException {
        session = login.session("backfill");
    }

    /// @param statements that create or replace tables
    private void create(String... statements) {
        source.execute(statements);
        GrantedLogins.capture("m", source);
    }

    /// The reader leaves no transaction open, whatever happened.
    @AfterEach
    void close() throws SQLException {
        assertThat(
                        source.value(
                                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
                                        + " AND state LIKE 'idle in transaction%' AND application_name LIKE 'millrace%'"))
                .isEqualTo("0");
        session.close();
    }

    private Leaf leaf() throws Exception {
        return Leaves.find(session, ITEM).getFirst();
    }

    private Relation relation() {
        return Catalog.ofSource(session).relation(ITEM).orElseThrow();
    }

    private Result read(Leaf leaf, TidRange range, RowCopy.Limit limit) throws Exception {
        return new RangeReader(session)
                .read(leaf, TableWork.schema(relation()), range, limit, NOTHING_HIDDEN);
    }

    private Result.Read readAll(Leaf leaf) throws Exception {
        Result result = read(leaf, TidRange.ALL, NO_LIMIT);
        assertThat(result).isInstanceOf(Result.Read.class);
        return (Result.Read) result;
    }

    private static List<@Nullable String> ids(Result result) {
        return ((Result.Read) result).rows().stream().map(row -> row.text(0)).toList();
    }

    private void items(int rows) {
        create(
                "CREATE TABLE item (id int PRIMARY KEY, v text)",
                "INSERT INTO item SELECT g, repeat('x', 100) FROM generate_series(1, "
                        + rows
                        + ") g");
    }

    /// What the reader gives is what the server prints, which is what snapshot and stream give: see
    /// `ValuesIT`. Both readers are checked.
    @Test
    void everyTypeIsReadAsTheServerPrintsIt() throws Exception {
        source.execute(TypeSamples.SETUP.toArray(String[]::new));
        List<String> columns = new ArrayList<>(List.of("id int PRIMARY KEY"));
        int most = 0;
        for (int i = 0; i < TypeSamples.ALL.size(); i++) {
            columns.add("c" + i + " " + TypeSamples.ALL.get(i).type());
            most = Math.max(most, TypeSamples.ALL.get(i).literals().size());
        }
        create("CREATE TABLE item (" + String.join(", ", columns) + ")");
        for (int number = 0; number <= most; number++) {
            List<String> values = new ArrayList<>(List.of("" + number));
            for (TypeSamples samples : TypeSamples.ALL) {
                values.add(number < samples.literals().size() ? samples.value(number) : "NULL");
            }
            source.execute("INSERT INTO item VALUES (" + String.join(", ", values) + ")");
        }
        List<List<@Nullable String>> truth = new ArrayList<>();
        try (Statement statement = session.createStatement();
                var rows = statement.executeQuery("SELECT * FROM item ORDER BY id")) {
            while (rows.next()) {
                List<@Nullable String> row = new ArrayList<>();
                for (int i = 1; i <= columns.size(); i++) {
                    row.add(rows.getString(i));
                }
                truth.add(row);
            }
        }

        List<Row> read = readAll(leaf()).rows();
        List<RowKey> keys = read.stream().map(Row::key).toList();
        List<Row> byKey =
                new KeyReader(session)
                        .read(
                                relation(),
                                TableWork.schema(relation()),
                                keys,
                                NO_LIMIT,
                                NOTHING_HIDDEN)
                        .orElseThrow()
                        .rows();

        assertThat(differences(read, truth)).isEmpty();
        assertThat(byKey).containsExactlyInAnyOrderElementsOf(read);
    }

    private static List<String> differences(List<Row> read, List<List<@Nullable String>> truth) {
        List<String> differences = new ArrayList<>();
        for (int row = 0; row < truth.size(); row++) {
            for (int i = 0; i < truth.get(row).size(); i++) {
                String text = read.get(row).text(i);
                if (!Objects.equals(text, truth.get(row).get(i))) {
                    differences.add("c" + i + " as " + text + ", not " + truth.get(row).get(i));
                }
            }
        }
        return differences;
    }

    @Test
    void generatedAndDroppedColumnsAreNotRead() throws Exception {
        create(
                "CREATE TABLE item (g int GENERATED ALWAYS AS (id + 1) STORED, id int PRIMARY KEY, gone int, v int)",
                "ALTER TABLE item DROP COLUMN gone",
                "INSERT INTO item (id, v) VALUES (1, 10)");

        List<Row> rows = readAll(leaf()).rows();

        RowSchema expected = RowSchema.keyed(ITEM, List.of("id", "v"), List.of("id"));
        assertThat(rows).containsExactly(Row.of(expected, "1", "10"));
    }

    @Test
    void rangesTogetherGiveEveryRowOnce() throws Exception {
        items(1_000);
        Leaf leaf = leaf();
        List<@Nullable String> all = new ArrayList<>();
        for (long page = 0; page < leaf.pages(); page += 3) {
            long to = page + 3 < leaf.pages() ? TidRange.page(page + 3) : TidRange.END;
            all.addAll(ids(read(leaf, new TidRange(TidRange.page(page), to), NO_LIMIT)));
        }

        assertThat(leaf.pages()).isGreaterThan(10);
        assertThat(all).isEqualTo(ids(readAll(leaf)));
    }

    @Test
    void aRangeIsReadByATidRangeScan() throws Exception {
        items(1_000);
        source.execute("CREATE INDEX ON item (v, id)", "ANALYZE item");
        try (Statement statement = session.createStatement();
                ReadTransaction transaction = new ReadTransaction(session)) {
            transaction.begin(ITEM, true, NOTHING_HIDDEN);
            for (TidRange range :
                    List.of(TidRange.ALL, new TidRange(TidRange.page(2), TidRange.page(3)))) {
                try (var plan =
                        statement.executeQuery(
                                "EXPLAIN SELECT t.ctid, t.id FROM ONLY item t WHERE "
                                        + range.condition())) {
                    plan.next();
                    assertThat(plan.getString(1)).startsWith("Tid Range Scan");
                }
            }
        }
    }

    /// Sequence "A range may end at any ctid once its byte budget is full": values of 150 MB on one
    /// page, scaled down. No row is read twice, and memory stays near the limit.
    @Test
    void aRangeEndsInsideAPageWithLargeValues() throws Exception {
        create(
                "CREATE TABLE item (id int PRIMARY KEY, big text)",
                "ALTER TABLE item ALTER big SET STORAGE EXTERNAL",
                "INSERT INTO item SELECT g, repeat(g::text, 300000) FROM generate_series(1, 100) g");
        Leaf leaf = leaf();
        RowCopy.Limit limit = new RowCopy.Limit(1_000_000, Long.MAX_VALUE, () -> false);
        List<@Nullable String> read = new ArrayList<>();
        TidRange rest = TidRange.ALL;
        int reads = 0;
        while (!rest.isEmpty()) {
            Result.Read part = (Result.Read) read(leaf, rest, limit);
            assertThat(part.bytes()).isLessThan(2_000_000);
            read.addAll(ids(part));
            rest = new TidRange(part.done().to(), rest.to());
            reads++;
        }

        assertThat(leaf.pages()).isEqualTo(1);
        assertThat(reads).isGreaterThan(30);
        assertThat(read).hasSize(100).doesNotHaveDuplicates();
    }

    @Test
    void aStoppedReadKeepsWhatItHas() throws Exception {
        items(100);

        Result.Read one =
                (Result.Read)
                        read(leaf(), TidRange.ALL, new RowCopy.Limit(9_999, 9_999, () -> true));

        assertThat(one.rows()).hasSize(1);
        assertThat(one.done()).isEqualTo(new TidRange(0, TidRange.tid(0, 2)));
    }

    /// Sequence "VACUUM FULL, CLUSTER, or TRUNCATE and refill between two ranges".
    @Test
    void aRewriteBetweenTwoRangesIsDetected() throws Exception {
        for (String rewrite :
                List.of(
                        "VACUUM FULL item",
                        "CLUSTER item USING item_pkey",
                        "TRUNCATE item; INSERT INTO item VALUES (7, 'new')",
                        "ALTER TABLE item ALTER id TYPE int8")) {
            source.execute("DROP TABLE IF EXISTS item");
            items(200);
            Leaf leaf = leaf();
            TidRange first = new TidRange(0, TidRange.page(1));
            assertThat(ids(read(leaf, first, NO_LIMIT))).isNotEmpty();

            source.execute(rewrite);

            assertThat(read(leaf, new TidRange(TidRange.page(1), TidRange.END), NO_LIMIT))
                    .as(rewrite)
                    .isInstanceOf(Result.Altered.class);
            assertThat(leaf().version()).isNotEqualTo(leaf.version());
        }
    }

    /// Sequence "VACUUM FULL after the read's snapshot": with the snapshot before the lock, the
    /// rewritten table would look empty to the read.
    @Test
    void aRewriteAfterTheSnapshotWaitsForTheRead() throws Exception {
        items(2_000);
        CompletableFuture<Void> rewrite = new CompletableFuture<>();
        boolean[] begun = {false};
        RowCopy.Limit rewritingAtTheFirstRow =
                new RowCopy.Limit(
                        Long.MAX_VALUE,
                        Long.MAX_VALUE,
                        () -> {
                            if (!begun[0]) {
                                begun[0] = true;
                                rewrite.completeAsync(
                                        () -> {
                                            source.execute("TRUNCATE item");
                                            return null;
                                        });
                                awaitLockOfItem();
                            }
                            return false;
                        });

        Result.Read read = (Result.Read) read(leaf(), TidRange.ALL, rewritingAtTheFirstRow);

        assertThat(read.rows()).hasSize(2_000);
        rewrite.join();
        assertThat(source.value("SELECT count(*) FROM item")).isEqualTo("0");
    }

    /// The snapshot of the read is taken before the rewrite and the read begins after it.
    @Test
    void aRewriteBetweenSnapshotAndReadIsImpossible() throws Exception {
        items(40);
        Leaf leaf = leaf();
        CompletableFuture<Void> rewrite = new CompletableFuture<>();
        Predicate<RunningTransactions> rewritingAfterTheSnapshot =
                _ -> {
                    rewrite.completeAsync(
                            () -> {
                                source.execute("VACUUM FULL item");
                                return null;
                            });
                    awaitLockOfItem();
                    return false;
                };

        Result result =
                new RangeReader(session)
                        .read(
                                leaf,
                                TableWork.schema(relation()),
                                TidRange.ALL,
                                NO_LIMIT,
                                rewritingAfterTheSnapshot);

        assertThat(ids(result)).hasSize(40);
        rewrite.join();
        assertThat(leaf().version()).isNotEqualTo(leaf.version());
    }

    /// The rewrite is not visible when the read begins, and is committed before its lock is
    /// granted. A comparison before the lock would not notice it. The reader waits briefly only, so
    /// on a slow machine another attempt is needed.
    @Test
    void aRewriteWhileTheReadWaitsForItsLockIsDetected() throws Exception {
        items(200);
        RowSchema schema = TableWork.schema(relation());
        Result result = new Result.NotNow();
        for (int attempt = 0; attempt < 50 && result instanceof Result.NotNow; attempt++) {
            result = readDuringARewrite(leaf(), schema);
        }

        assertThat(result).isInstanceOf(Result.Altered.class);
    }

    private Result readDuringARewrite(Leaf leaf, RowSchema schema) throws SQLException {
        try (Connection other = source.connect();
                Connection observer = source.connect();
                Statement rewrite = other.createStatement();
                Statement observe = observer.createStatement()) {
            other.setAutoCommit(false);
            rewrite.execute("TRUNCATE item");
            rewrite.execute("INSERT INTO item VALUES (7, 'new')");
            CompletableFuture<Result> read =
                    CompletableFuture.supplyAsync(() -> readOrFail(leaf, schema));
            boolean waiting = false;
            while (!waiting && !read.isDone()) {
                try (var row =
                        observe.executeQuery(
                                "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'item'::regclass)")) {
                    row.next();
                    waiting = row.getBoolean(1);
                }
            }
            other.commit();
            return read.join();
        }
    }

    private Result readOrFail(Leaf leaf, RowSchema schema) {
        try {
            return new RangeReader(session)
                    .read(leaf, schema, TidRange.ALL, NO_LIMIT, NOTHING_HIDDEN);
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
    }

    /// Until another session waits for its lock on the table, or has ended without waiting.
    private void awaitLockOfItem() {
        Awaitility.await()
                .until(
                        () ->
                                !"0"
                                        .equals(
                                                source.value(
                                                        "SELECT count(*) FROM pg_locks WHERE relation = 'item'::regclass AND mode = 'AccessExclusiveLock'")));
    }

    @Test
    void aLockedTableIsReadLater() throws Exception {
        items(3);
        Leaf leaf = leaf();
        try (Connection other = source.connect()) {
            other.setAutoCommit(false);
            try (Statement statement = other.createStatement()) {
                statement.execute("LOCK TABLE item IN ACCESS EXCLUSIVE MODE");
                assertThat(
                                new RangeReader(session)
                                        .read(
                                                leaf,
                                                RowSchema.keyed(
                                                        ITEM, List.of("id", "v"), List.of("id")),
                                                TidRange.ALL,
                                                NO_LIMIT,
                                                NOTHING_HIDDEN))
                        .isInstanceOf(Result.NotNow.class);
            }
            other.rollback();
        }

        assertThat(readAll(leaf).rows()).hasSize(3);
    }

    @Test
    void aDroppedLeafIsAltered() throws Exception {
        items(3);
        Leaf leaf = leaf();
        RowSchema schema = TableWork.schema(relation());
        source.execute("DROP TABLE item");

        assertThat(
                        new RangeReader(session)
                                .read(leaf, schema, TidRange.ALL, NO_LIMIT, NOTHING_HIDDEN))
                .isInstanceOf(Result.Altered.class);
    }

    /// Sequence "Visible order is not WAL order": the snapshot is taken before anything is read,
    /// and is given up if it hides a delivered transaction, also one whose id is the highest.
    @Test
    void aSnapshotThatHidesADeliveredTransactionIsGivenUp() throws Exception {
        items(3);
        try (Connection other = source.connect()) {
            other.setAutoCommit(false);
            long transaction;
            try (Statement statement = other.createStatement();
                    var row = statement.executeQuery("SELECT pg_current_xact_id()::text::int8")) {
                row.next();
                transaction = row.getLong(1);
            }
            RunningTransactions seen = RunningTransactions.read(session);
            assertThat(seen.ids()).doesNotContain(transaction);
            RangeReader reader = new RangeReader(session);
            RowSchema schema = TableWork.schema(relation());
            Predicate<RunningTransactions> delivered =
                    snapshot -> snapshot.hidesStreamed(transaction);

            assertThat(reader.read(leaf(), schema, TidRange.ALL, NO_LIMIT, delivered))
                    .isInstanceOf(Result.NotNow.class);
            other.commit();
            assertThat(reader.read(leaf(), schema, TidRange.ALL, NO_LIMIT, delivered))
                    .isInstanceOf(Result.Read.class);
        }
    }

    private void partitioned() {
        create(
                "CREATE TABLE item (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id)",
                "CREATE TABLE item_low PARTITION OF item FOR VALUES FROM (0) TO (100)",
                "CREATE TABLE item_high PARTITION OF item FOR VALUES FROM (100) TO (300) PARTITION BY RANGE (id)",
                "CREATE TABLE item_mid (v text, id int NOT NULL)",
                "ALTER TABLE item_high ATTACH PARTITION item_mid FOR VALUES FROM (100) TO (200)",
                "INSERT INTO item VALUES (1, 'a'), (150, 'b')");
    }

    @Test
    void theLeavesOfAPartitionedTableAreFound() throws Exception {
        partitioned();

        List<Leaf> leaves = Leaves.find(session, ITEM);

        assertThat(leaves)
                .extracting(leaf -> leaf.id().name())
                .containsExactly("item_low", "item_mid");
        assertThat(leaves.get(0).version().inheritance()).matches("\\d+");
        assertThat(leaves.get(1).version().inheritance()).matches("\\d+/\\d+");
        assertThat(ids(readAll(leaves.get(1)))).containsExactly("150");
        assertThat(leaves).allSatisfy(leaf -> assertThat(leaf.isPartition()).isTrue());
    }

    /// Sequence "Detach, update, attach of a leaf": same oid, same file, no events.
    @Test
    void detachUpdateAttachIsDetected() throws Exception {
        partitioned();
        Leaf mid = Leaves.find(session, ITEM).get(1);
        assertThat(ids(readAll(mid))).containsExactly("150");
        for (List<String> detour :
                List.of(
                        List.of(
                                "ALTER TABLE item_high DETACH PARTITION item_mid",
                                "UPDATE item_mid SET v = 'unseen'",
                                "ALTER TABLE item_high ATTACH PARTITION item_mid FOR VALUES FROM (100) TO (200)"),
                        List.of(
                                "ALTER TABLE item DETACH PARTITION item_high",
                                "UPDATE item_high SET v = 'unseen'",
                                "ALTER TABLE item ATTACH PARTITION item_high FOR VALUES FROM (100) TO (300)"))) {
            Leaf before = Leaves.find(session, ITEM).get(1);

            source.execute(detour.toArray(String[]::new));

            assertThat(read(before, TidRange.ALL, NO_LIMIT)).isInstanceOf(Result.Altered.class);
            Leaf after = Leaves.find(session, ITEM).get(1);
            assertThat(after.version().oid()).isEqualTo(before.version().oid());
            assertThat(after.version().fileNode()).isEqualTo(before.version().fileNode());
            assertThat(ids(readAll(after))).containsExactly("150");
        }
    }

    @Test
    void whatCannotBeReadByPagesIsRefused() {
        source.execute(
                "CREATE EXTENSION postgres_fdw",
                "CREATE SERVER other FOREIGN DATA WRAPPER postgres_fdw",
                "CREATE TABLE item (id int PRIMARY KEY) PARTITION BY RANGE (id)",
                "CREATE TABLE parent (id int PRIMARY KEY)",
                "CREATE TABLE child (id int) INHERITS (parent)");
        assertThatThrownBy(() -> Leaves.find(session, new TableId("public", "parent")))
                .hasMessageContaining("public.child inherits from public.parent");
        assertThatThrownBy(() -> Leaves.find(session, new TableId("public", "absent")))
                .hasMessageContaining("public.absent does not exist");
        source.execute(
                "CREATE ACCESS METHOD columns TYPE TABLE HANDLER heap_tableam_handler",
                "CREATE TABLE stored (id int PRIMARY KEY) USING columns");
        assertThatThrownBy(() -> Leaves.find(session, new TableId("public", "stored")))
                .hasMessageContaining("table access method columns");
    }

    @Test
    void keysWithoutARowAreReportedAsRead() throws Exception {
        create(
                "CREATE TABLE item (a text, b numeric(6,2), v text, PRIMARY KEY (a, b))",
                "INSERT INTO item VALUES ('x\"\\,{}', 1.50, 'odd'), ('y', 2, 'other')");
        RowKey odd = RowKey.of(ITEM, "x\"\\,{}", "1.50");
        RowKey gone = RowKey.of(ITEM, "z", "3.00");

        KeyReader.Found found =
                new KeyReader(session)
                        .read(
                                relation(),
                                TableWork.schema(relation()),
                                List.of(odd, gone),
                                NO_LIMIT,
                                NOTHING_HIDDEN)
                        .orElseThrow();

        assertThat(found.rows()).extracting(Row::key).containsExactly(odd);
        assertThat(found.keys()).containsExactlyInAnyOrder(odd, gone);
    }

    /// A limit may end the read of keys too; only the keys of the rows count as read.
    @Test
    void keysBeyondTheLimitAreNotRead() throws Exception {
        items(100);
        List<RowKey> keys = new ArrayList<>();
        for (int i = 1; i <= 100; i++) {
            keys.add(RowKey.of(ITEM, "" + i));
        }

        KeyReader.Found found =
                new KeyReader(session)
                        .read(
                                relation(),
                                TableWork.schema(relation()),
                                keys,
                                new RowCopy.Limit(Long.MAX_VALUE, 10, () -> false),
                                NOTHING_HIDDEN)
                        .orElseThrow();

        assertThat(found.rows()).hasSize(10);
        assertThat(found.keys()).hasSize(10);
    }
}
