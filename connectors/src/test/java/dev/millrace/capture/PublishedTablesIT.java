package dev.millrace.capture;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.millrace.capture.CaptureRun.SnapshotInterruptedException;
import dev.millrace.capture.position.PausedTables;
import dev.millrace.capture.position.PublicationGuard;
import dev.millrace.capture.position.PublishedTablesCodec;
import dev.millrace.capture.position.SourcePosition.SourceLostException;
import dev.millrace.capture.position.TablePause;
import dev.millrace.capture.position.TablePause.Change;
import dev.millrace.capture.position.TablePause.Loss;
import dev.millrace.capture.position.TablePause.PartitionChange;
import dev.millrace.capture.position.TablePause.Remedy;
import dev.millrace.change.Lsn;
import dev.millrace.change.TableId;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.grants.GrantedLogins.Login;
import dev.millrace.postgres.PublishedTable;
import dev.millrace.postgres.PublishedTableReader;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/// Detects changes of a table's definition that keep changes of its rows out of the stream, and
/// accepts all others.
class PublishedTablesIT {

    private static final TableId ITEM = new TableId("public", "item");

    private static final PausedTables NONE = new PausedTables(TablePause.NEVER);

    private static final List<TableId> TABLES =
            List.of(new TableId("public", "item"), new TableId("public", "part"));

    private static final TableId PART = TABLES.getLast();

    /// What an operator does with rows that cannot be read again.
    private static final String INSTEAD = "Begin a new migration";

    /// A position after all WAL.
    private static final Lsn ALL_READ = new Lsn(Long.MAX_VALUE);

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    ALTER TABLE item RENAME TO item_old; ALTER TABLE item_new RENAME TO item | another table has its name
                    ALTER TABLE item RENAME TO item_old | it was renamed or moved to public.item_old
                    ALTER TABLE item RENAME TO item_old; ALTER TABLE item_old RENAME TO item | was renamed or moved
                    ALTER TABLE item SET SCHEMA other; ALTER TABLE other.item SET SCHEMA public | was renamed or moved
                    ALTER TABLE item ALTER name TYPE text USING upper(name) | ALTER COLUMN TYPE
                    ALTER TABLE item ALTER price TYPE numeric(10,1) | ALTER COLUMN TYPE
                    ALTER TABLE item ALTER note TYPE text | column note
                    ALTER TABLE item RENAME name TO title | column name was renamed to title
                    ALTER TABLE item RENAME name TO title; ALTER TABLE item RENAME note TO name | column name was renamed to title, column note was renamed to name
                    ALTER TABLE item DROP note | column note was dropped
                    ALTER TABLE item DROP name; ALTER TABLE item ADD name text | column name
                    ALTER TABLE item REPLICA IDENTITY USING INDEX item_code_key | its replica identity changed
                    ALTER TABLE item REPLICA IDENTITY NOTHING | its replica identity changed
                    ALTER TABLE item DROP CONSTRAINT item_pkey; ALTER TABLE item ADD PRIMARY KEY (code) | its replica identity changed
                    CREATE TABLE capital (since int) INHERITS (item) | received public.capital
                    TRUNCATE part_1 | public.part_1 was rewritten
                    ALTER TABLE part DETACH PARTITION part_1 | lost public.part_1
                    DROP TABLE part_1 | lost public.part_1
                    ALTER TABLE part DETACH PARTITION part_1; ALTER TABLE part ATTACH PARTITION part_1 FOR VALUES FROM (0) TO (10) | was detached, possibly for a while
                    ALTER TABLE part ATTACH PARTITION filled FOR VALUES FROM (20) TO (30) | received public.filled
                    BEGIN; CREATE TABLE young (id int PRIMARY KEY, name text); INSERT INTO young VALUES (21, 'n'); ALTER TABLE part ATTACH PARTITION young FOR VALUES FROM (20) TO (30); COMMIT | received public.young
                    BEGIN; CREATE TABLE young (id int PRIMARY KEY, name text); SAVEPOINT s; INSERT INTO young VALUES (21, 'n'); RELEASE s; ALTER TABLE part ATTACH PARTITION young FOR VALUES FROM (20) TO (30); COMMIT | received public.young
                    ALTER TABLE part_1 REPLICA IDENTITY NOTHING | the replica identity of public.part_1 changed
                    ALTER TABLE part ALTER name TYPE text USING upper(name) | public.part_1 was rewritten
                    CREATE TABLE sub PARTITION OF part FOR VALUES FROM (20) TO (30); INSERT INTO part VALUES (21, 'n'); TRUNCATE sub | received public.sub
                    """)
    void detectsDefinitionChangesThatMayHideChanges(String change, String why) throws Exception {
        TestDatabase source = source();
        try (PublicationWatch watch = watch(source, TABLES)) {
            watch.requireUnaltered(ALL_READ);

            source.execute(change.split("; "));

            assertThatThrownBy(() -> watch.requireUnaltered(ALL_READ))
                    .isInstanceOf(SourceLostException.class)
                    .hasMessageContaining(why);
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE item ADD COLUMN plain int",
                "ALTER TABLE item ADD COLUMN stamp timestamptz NOT NULL DEFAULT clock_timestamp()",
                "ALTER TABLE item ALTER note TYPE varchar(90)",
                "ALTER TABLE item ALTER name SET NOT NULL; ALTER TABLE item ALTER note SET DEFAULT"
                        + " 'x'",
                "CREATE INDEX ON item (name); REINDEX TABLE item; ANALYZE item",
                "TRUNCATE item",
                "VACUUM FULL item",
                "CLUSTER item USING item_pkey",
                "ALTER TABLE item REPLICA IDENTITY FULL",
                "ALTER TABLE item DROP CONSTRAINT item_code_key",
                "ALTER TABLE item OWNER TO pg_database_owner",
                "VACUUM FULL pg_class; VACUUM FULL pg_attribute; VACUUM FULL pg_inherits; VACUUM"
                        + " FULL pg_type",
                "ALTER TABLE part ADD COLUMN plain int; CREATE INDEX ON part (name); REINDEX TABLE"
                        + " part_1",
                "CREATE TABLE p2 PARTITION OF part FOR VALUES FROM (20) TO (30); INSERT INTO part"
                        + " VALUES (21, 'n')",
                "BEGIN; CREATE TABLE p2 PARTITION OF part DEFAULT; INSERT INTO part VALUES (21,"
                        + " 'n'); COMMIT",
                "CREATE TABLE p2 PARTITION OF part FOR VALUES FROM (20) TO (30) PARTITION BY RANGE"
                        + " (id); CREATE TABLE p3 PARTITION OF p2 FOR VALUES FROM (20) TO (25); INSERT"
                        + " INTO part VALUES (21, 'n')",
                "CREATE TABLE p2 (LIKE part INCLUDING ALL); ALTER TABLE part ATTACH PARTITION p2"
                        + " FOR VALUES FROM (20) TO (30)",
                "ALTER TABLE part_1 RENAME TO part_one"
            })
    void acceptsDefinitionChangesThatHideNothing(String change) throws Exception {
        TestDatabase source = source();
        try (PublicationWatch watch = watch(source, TABLES)) {
            source.execute(change.split("; "));

            assertThatCode(() -> watch.requireUnaltered(ALL_READ)).doesNotThrowAnyException();
            assertThatCode(() -> watch.requireUnaltered(ALL_READ)).doesNotThrowAnyException();
        }
    }

    @Test
    void detectsColumnRecreatedBetweenChecks() throws Exception {
        TestDatabase source = source();
        Pauses pauses = new Pauses(true);
        try (PublicationWatch watch = watch(source, TABLES, new PausedTables(pauses))) {
            pauses.unread.add("name");
            source.execute("ALTER TABLE item DROP name");
            assertThat(watch.requireUnaltered(ALL_READ)).isTrue();
            assertThat(pauses.paused).as("no mapping reads it").isEmpty();
            source.execute("ALTER TABLE item ADD name varchar");
            pauses.unread.clear();

            watch.requireUnaltered(ALL_READ);

            assertThat(pauses.paused)
                    .containsOnly(
                            Map.entry(
                                    ITEM,
                                    new Change(
                                            "column name was dropped, and another one has its"
                                                    + " name (text → character varying)",
                                            Remedy.ACCEPT_AND_READ)));
        }
    }

    /// Remembers what was paused, and what may continue.
    private static class Pauses implements TablePause {

        private final Map<TableId, Change> paused = new HashMap<>();
        private final Map<TableId, Loss> losses = new HashMap<>();
        private final Set<String> unread = new HashSet<>();

        private final Set<PartitionChange> pausing = EnumSet.noneOf(PartitionChange.class);

        private final boolean mayReadAgain;
        private final Set<TableId> restored = new HashSet<>();
        private final Set<TableId> changed = new HashSet<>();

        Pauses(boolean mayReadAgain) {
            this.mayReadAgain = mayReadAgain;
        }

        @Override
        public Set<TableId> stopped(Collection<TableId> sources) {
            return Set.copyOf(paused.keySet());
        }

        @Override
        public boolean reads(TableId source, String column) {
            return !unread.contains(column);
        }

        @Override
        public boolean pausesFor(TableId source, PartitionChange change) {
            return pausing.contains(change);
        }

        @Override
        public Optional<String> whyNotReadAgain(TableId source) {
            return mayReadAgain ? Optional.empty() : Optional.of(INSTEAD);
        }

        @Override
        public void readAgain(TableId source, Loss loss) {
            losses.put(source, loss);
        }

        @Override
        public boolean pause(TableId source, Change change) throws SQLException {
            paused.put(source, change);
            return true;
        }

        @Override
        public void restored(Collection<TableId> sources, Collection<TableId> changed) {
            restored.addAll(sources);
            this.changed.addAll(changed);
        }
    }

    /// Both may be written to one target table, which waits for both.
    @Test
    void aTableThatContinuesNamesThoseThatStayPaused() throws Exception {
        Pauses pauses = new Pauses(true);
        PausedTables paused = new PausedTables(pauses);
        Change change = new Change("column x: integer → bigint", Remedy.ACCEPT_AND_READ);
        TABLES.forEach(
                table ->
                        assertThatCode(() -> paused.pause(table, change))
                                .doesNotThrowAnyException());

        paused.restored(List.of(TABLES.getFirst()));

        assertThat(pauses.restored).containsExactly(TABLES.getFirst());
        assertThat(pauses.changed).containsExactly(TABLES.getLast());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "ALTER TABLE item ALTER note TYPE text|column note: character varying → text|false",
                "ALTER TABLE item ALTER code TYPE bigint|column code: integer → bigint|true",
                "ALTER TABLE item ALTER name TYPE text USING upper(name)|ALTER COLUMN TYPE with"
                        + " USING|true",
                "ALTER TABLE item ALTER id TYPE bigint|column id: integer → bigint|true"
            })
    void aTypeThatChangesPausesItsTable(String change, String difference, boolean rewritten)
            throws Exception {
        TestDatabase source = source();
        Pauses pauses = new Pauses(false);
        PausedTables paused = new PausedTables(pauses);
        TableId item = ITEM;
        SortedMap<TableId, PublishedTable> before;
        try (Connection connection = login(source).connect()) {
            before = PublishedTableReader.read(connection, TABLES);
        }
        try (PublicationWatch watch = watch(source, TABLES, paused)) {
            watch.requireUnaltered(ALL_READ);
            pauses.restored.clear();
            source.execute(change);

            assertThat(watch.requireUnaltered(ALL_READ)).as("watermarks follow").isTrue();
            assertThat(watch.requireUnaltered(ALL_READ)).isTrue();

            assertThat(pauses.paused)
                    .containsOnly(
                            Map.entry(
                                    item,
                                    rewritten
                                            ? new Change(difference, Remedy.NONE, INSTEAD)
                                            : new Change(difference, Remedy.ACCEPT)));
            assertThat(pauses.restored).doesNotContain(item);
            assertThat(watch.unwrittenTables().map(tables -> tables.get(item)))
                    .as("the log keeps what it expects")
                    .isIn(Optional.empty(), Optional.ofNullable(before.get(item)));
            Optional<String> refusal = paused.accept(item, item).getNow(Optional.of("not yet"));
            assertThat(refusal.orElseThrow()).contains(rewritten ? INSTEAD : "not yet");
            watch.requireUnaltered(ALL_READ);
            watch.markWritten();
            assertThat(paused.changes().isEmpty()).isNotEqualTo(rewritten);
            assertThat(pauses.restored.contains(item)).isNotEqualTo(rewritten);
        }
    }

    /// What changed before the definition is restored would be lost.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE item RENAME name TO title",
                "ALTER TABLE item RENAME TO item_old",
                "ALTER TABLE part DETACH PARTITION part_1",
                "VACUUM FULL part_1"
            })
    void otherChangesAreNotPausedIfNoRowCanBeReadAgain(String change) throws Exception {
        TestDatabase source = source();
        Pauses pauses = new Pauses(false);
        try (PublicationWatch watch = watch(source, TABLES, new PausedTables(pauses))) {
            source.execute(change.split("; "));

            assertThatThrownBy(() -> watch.requireUnaltered(ALL_READ))
                    .isInstanceOf(SourceLostException.class);
            assertThat(pauses.paused).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    ALTER TABLE item RENAME name TO title | ALTER TABLE item RENAME title TO name | column name was renamed to title | RESTORE
                    ALTER TABLE item RENAME TO old | ALTER TABLE old RENAME TO item | it was renamed or moved to public.old | RESTORE
                    ALTER TABLE item SET SCHEMA other | ALTER TABLE other.item SET SCHEMA public | it was renamed or moved to other.item | RESTORE
                    ALTER TABLE item RENAME TO old; ALTER TABLE item_new RENAME TO item | ALTER TABLE item RENAME TO item_new; ALTER TABLE old RENAME TO item | another table has its name | GIVE_BACK
                    """)
    void aTableContinuesWhenItsNamesAreRestored(
            String change, String back, String difference, Remedy remedy) throws Exception {
        TestDatabase source = source();
        Pauses pauses = new Pauses(true);
        PausedTables paused = new PausedTables(pauses);
        try (PublicationWatch watch = watch(source, TABLES, paused)) {
            watch.requireUnaltered(ALL_READ);
            pauses.restored.clear();
            source.execute(change.split("; "));

            assertThat(watch.requireUnaltered(ALL_READ)).as("other tables flow").isTrue();

            assertThat(pauses.paused).containsOnly(Map.entry(ITEM, new Change(difference, remedy)));
            assertThat(pauses.restored).doesNotContain(ITEM);
            assertThat(paused.accept(ITEM, ITEM).join().orElseThrow())
                    .contains(
                            difference, remedy == Remedy.RESTORE ? "Restore it" : "its name back");
            source.execute(back.split("; "));
            watch.requireUnaltered(ALL_READ);
            assertThat(pauses.restored).contains(ITEM);
            assertThat(paused.changes()).isEmpty();
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    TRUNCATE part_1 | public.part_1 was rewritten | false
                    VACUUM FULL part_1 | public.part_1 was rewritten | false
                    ALTER TABLE part ALTER name TYPE text USING upper(name) | public.part_1 was rewritten | false
                    ALTER TABLE part DETACH PARTITION part_1 | lost public.part_1 | false
                    DROP TABLE part_1 | lost public.part_1 | false
                    ALTER TABLE part DETACH PARTITION part_1; ALTER TABLE part ATTACH PARTITION part_1 FOR VALUES FROM (0) TO (10) | was detached | false
                    ALTER TABLE part ATTACH PARTITION filled FOR VALUES FROM (20) TO (30) | received public.filled | false
                    ALTER TABLE part RENAME TO p; ALTER TABLE p RENAME TO part | was renamed | true
                    """)
    void rowsOfAPartitionAreReadAgain(String change, String why, boolean whole) throws Exception {
        TestDatabase source = source();
        Pauses pauses = new Pauses(true);
        try (PublicationWatch watch = watch(source, TABLES, new PausedTables(pauses))) {
            watch.requireUnaltered(ALL_READ);
            source.execute(change.split("; "));

            assertThat(watch.requireUnaltered(ALL_READ)).isTrue();

            assertThat(pauses.losses).containsOnlyKeys(PART);
            Loss loss = pauses.losses.getOrDefault(PART, new Loss("", !whole));
            assertThat(loss.reason()).contains(why);
            assertThat(loss.whole()).isEqualTo(whole);
            assertThat(pauses.paused).isEmpty();
            pauses.losses.clear();
            assertThat(watch.requireUnaltered(ALL_READ)).isTrue();
            assertThat(pauses.losses).as("the log has the present partitions").isEmpty();
        }
    }

    /// Each kind of change has its own policy.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    ALTER TABLE part ATTACH PARTITION filled FOR VALUES FROM (20) TO (30) | ATTACHED | received public.filled
                    ALTER TABLE part DETACH PARTITION part_1 | DETACHED | lost public.part_1
                    DROP TABLE part_1 | DETACHED | lost public.part_1
                    """)
    void partitionsPauseTheirTableOnlyIfTheirKindDoes(
            String change, PartitionChange kind, String why) throws Exception {
        for (boolean pausing : List.of(true, false)) {
            TestDatabase source = source();
            Pauses pauses = new Pauses(true);
            pauses.pausing.addAll(
                    pausing ? EnumSet.of(kind) : EnumSet.complementOf(EnumSet.of(kind)));
            try (PublicationWatch watch = watch(source, TABLES, new PausedTables(pauses))) {
                watch.requireUnaltered(ALL_READ);
                source.execute(change);

                assertThat(watch.requireUnaltered(ALL_READ)).isTrue();

                Optional<Change> paused = Optional.ofNullable(pauses.paused.get(PART));
                Optional<Loss> lost = Optional.ofNullable(pauses.losses.get(PART));
                assertThat(paused.isPresent()).isEqualTo(pausing);
                assertThat(lost.isPresent()).isNotEqualTo(pausing);
                assertThat(paused.map(Change::difference).or(() -> lost.map(Loss::reason)))
                        .hasValueSatisfying(reason -> assertThat(reason).contains(why));
                paused.ifPresent(
                        each -> assertThat(each.remedy()).isEqualTo(Remedy.ACCEPT_AND_READ));
            }
        }
    }

    /// Partitions could change back, and the table would continue without what the stream lacks.
    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE part DETACH PARTITION part_1",
                "ALTER TABLE part ATTACH PARTITION filled FOR VALUES FROM (20) TO (30)"
            })
    void partitionsDoNotPauseATableThatCannotBeReadAgain(String change) throws Exception {
        TestDatabase source = source();
        Pauses pauses = new Pauses(false);
        pauses.pausing.addAll(EnumSet.allOf(PartitionChange.class));
        try (PublicationWatch watch = watch(source, TABLES, new PausedTables(pauses))) {
            source.execute(change);

            assertThatThrownBy(() -> watch.requireUnaltered(ALL_READ))
                    .isInstanceOf(SourceLostException.class);
            assertThat(pauses.paused).isEmpty();
        }
    }

    /// Of what came and went while the table was paused, nothing is left to see.
    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void partitionsAreReadAgainWhenAPausedTableContinues(boolean accepted) throws Exception {
        TestDatabase source = source();
        Pauses pauses = new Pauses(true);
        PausedTables paused = new PausedTables(pauses);
        try (PublicationWatch watch = watch(source, TABLES, paused)) {
            source.execute("ALTER TABLE part ALTER name TYPE varchar");
            assertThat(watch.requireUnaltered(ALL_READ)).isTrue();
            assertThat(pauses.paused).containsOnlyKeys(PART);
            source.execute(
                    "ALTER TABLE filled ALTER name TYPE varchar",
                    "ALTER TABLE part ATTACH PARTITION filled FOR VALUES FROM (20) TO (30)",
                    "UPDATE part SET name = 'in the stream'",
                    "ALTER TABLE part DETACH PARTITION filled");
            assertThat(watch.requireUnaltered(ALL_READ)).isTrue();
            assertThat(pauses.losses).as("it is paused").isEmpty();

            if (accepted) {
                assertThat(paused.accept(PART, PART)).isNotDone();
            } else {
                source.execute("ALTER TABLE part ALTER name TYPE text");
            }
            assertThat(watch.requireUnaltered(ALL_READ)).isTrue();
            watch.markWritten();

            assertThat(paused.changes()).isEmpty();
            assertThat(pauses.losses).containsOnlyKeys(PART);
            assertThat(pauses.losses.values())
                    .allSatisfy(
                            loss -> {
                                assertThat(loss.reason()).contains("come and gone");
                                assertThat(loss.whole()).isFalse();
                            });
            pauses.losses.clear();
            assertThat(watch.requireUnaltered(ALL_READ)).isTrue();
            assertThat(pauses.losses).isEmpty();
        }
    }

    /// What is paused is in the control schema; the process knows it only from there.
    @Test
    void partitionsAreReadAgainWhenAPausedTableContinuesAfterARestart() throws Exception {
        TestDatabase source = source();
        Pauses pauses = new Pauses(true);
        try (PublicationWatch watch = watch(source, TABLES, new PausedTables(pauses))) {
            source.execute("ALTER TABLE part ALTER name TYPE varchar");
            assertThat(watch.requireUnaltered(ALL_READ)).isTrue();
        }
        source.execute("ALTER TABLE part ALTER name TYPE text");

        try (PublicationWatch watch = watch(source, TABLES, new PausedTables(pauses))) {
            assertThat(watch.requireUnaltered(ALL_READ)).isTrue();
            assertThat(pauses.losses).containsOnlyKeys(PART);
            pauses.losses.clear();
            assertThat(watch.requireUnaltered(ALL_READ)).isTrue();
            assertThat(pauses.losses).isEmpty();
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void nothingIsReadAgainOfATableWithoutPartitionsWhoseTypeWasAccepted(boolean mayReadAgain)
            throws Exception {
        TestDatabase source = source();
        Pauses pauses = new Pauses(mayReadAgain);
        PausedTables paused = new PausedTables(pauses);
        try (PublicationWatch watch = watch(source, TABLES, paused)) {
            String table = mayReadAgain ? "item" : "part";
            source.execute("ALTER TABLE %s ALTER name TYPE varchar".formatted(table));
            watch.requireUnaltered(ALL_READ);
            TableId id = new TableId("public", table);
            assertThat(paused.accept(id, id)).isNotDone();

            assertThat(watch.requireUnaltered(ALL_READ)).isTrue();
            watch.markWritten();

            assertThat(paused.changes()).isEmpty();
            assertThat(pauses.losses).isEmpty();
        }
    }

    /// The table continues with every change of the stream, and these are not in it.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    ALTER TABLE item ALTER note TYPE text | ACCEPT | true
                    ALTER TABLE item RENAME note TO hint | RESTORE | false
                    ALTER TABLE item ADD COLUMN plain int | | true
                    """)
    void aColumnThatWasGoneForAWhileIsALossUnlessThePauseReadsEveryRow(
            String change, @Nullable Remedy remedy, boolean isLost) throws Exception {
        TestDatabase source = source();
        Pauses pauses = new Pauses(true);
        try (PublicationWatch watch = watch(source, TABLES, new PausedTables(pauses))) {
            source.execute(change);

            watch.missing(ITEM, "name", ALL_READ);

            assertThat(Optional.ofNullable(pauses.paused.get(ITEM)).map(Change::remedy))
                    .isEqualTo(Optional.ofNullable(remedy));
            assertThat(pauses.losses.containsKey(ITEM)).isEqualTo(isLost);
            assertThat(pauses.losses.values()).allMatch(Loss::whole);
        }
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            textBlock =
                    """
                    ALTER TABLE item DROP note | ADD_AGAIN
                    ALTER TABLE item DROP note; ALTER TABLE item ADD note text | ACCEPT_AND_READ
                    ALTER TABLE item DROP name; ALTER TABLE item RENAME note TO hint | RESTORE
                    ALTER TABLE item ALTER name TYPE varchar; ALTER TABLE item DROP note | ADD_AGAIN
                    ALTER TABLE item ALTER note TYPE text; ALTER TABLE item DROP name | ADD_AGAIN
                    """)
    void theRemedyOfSeveralChangesIsThatOfTheGravest(String change, Remedy remedy)
            throws Exception {
        for (boolean mayReadAgain : List.of(true, false)) {
            TestDatabase source = source();
            Pauses pauses = new Pauses(mayReadAgain);
            try (PublicationWatch watch = watch(source, TABLES, new PausedTables(pauses))) {
                source.execute(change.split("; "));

                watch.requireUnaltered(ALL_READ);

                assertThat(pauses.paused.values())
                        .extracting(Change::remedy)
                        .containsExactly(mayReadAgain ? remedy : Remedy.NONE);
                assertThat(pauses.paused.values())
                        .allSatisfy(
                                each ->
                                        assertThat(each.text(ITEM, PART).contains(INSTEAD))
                                                .isNotEqualTo(mayReadAgain));
            }
        }
    }

    /// The target may not respond when it is to be paused.
    @Test
    void aPauseThatWasNotRecordedIsTriedAgain() throws Exception {
        TestDatabase source = source();
        SQLException unreachable = new SQLException("no answer", "08006");
        List<Change> tried = new ArrayList<>();
        Pauses pauses =
                new Pauses(true) {
                    @Override
                    public boolean pause(TableId table, Change change) throws SQLException {
                        tried.add(change);
                        if (tried.size() == 1) {
                            throw unreachable;
                        }
                        return super.pause(table, change);
                    }
                };
        PausedTables paused = new PausedTables(pauses);
        try (PublicationWatch watch = watch(source, TABLES, paused)) {
            source.execute("ALTER TABLE item RENAME name TO title");
            assertThatThrownBy(() -> watch.requireUnaltered(ALL_READ)).isSameAs(unreachable);
            assertThat(paused.changes()).isEmpty();

            assertThat(watch.requireUnaltered(ALL_READ)).isTrue();

            assertThat(tried).hasSize(2);
            assertThat(pauses.paused).containsOnlyKeys(ITEM);
        }
    }

    /// A kill between the record of a loss and the facts in the log.
    @Test
    void aLossIsRecordedAgainUntilTheLogHasTheFacts() throws Exception {
        TestDatabase source = source();
        Pauses pauses = new Pauses(true);
        PublishedTablesCodec codec = new PublishedTablesCodec();
        byte[] logged;
        byte[] written;
        try (PublicationWatch watch = watch(source, TABLES, new PausedTables(pauses))) {
            try (Connection connection = login(source).connect()) {
                logged = codec.encode(PublishedTableReader.read(connection, TABLES));
            }
            source.execute("DROP TABLE part_1");
            watch.requireUnaltered(ALL_READ);
            assertThat(pauses.losses).containsOnlyKeys(PART);
            written = codec.encode(watch.unwrittenTables().orElseThrow());
        }
        assertThat(lossesAfterRestart(source, codec.decode(logged))).containsOnlyKeys(PART);
        assertThat(lossesAfterRestart(source, codec.decode(written))).isEmpty();
    }

    private static Map<TableId, Loss> lossesAfterRestart(
            TestDatabase source, Map<TableId, PublishedTable> logged) throws SQLException {
        Pauses pauses = new Pauses(true);
        try (PublicationWatch watch =
                new PublicationWatch(
                        _ -> login(source).connect(),
                        "p",
                        "",
                        logged,
                        true,
                        new PausedTables(pauses))) {
            assertThat(watch.requireUnaltered(ALL_READ)).isTrue();
        }
        return pauses.losses;
    }

    @Test
    void acceptsARewriteOfAColumnThatNoMappingReads() throws Exception {
        TestDatabase source = source();
        Pauses pauses = new Pauses(true);
        pauses.unread.add("price");
        try (PublicationWatch watch = watch(source, TABLES, new PausedTables(pauses))) {
            source.execute("ALTER TABLE item ALTER price TYPE numeric(10,1)");
            assertThat(watch.requireUnaltered(ALL_READ)).isTrue();
            assertThat(pauses.paused).isEmpty();

            source.execute("ALTER TABLE item ALTER name TYPE text USING upper(name)");
            watch.requireUnaltered(ALL_READ);
            assertThat(pauses.paused).containsOnlyKeys(ITEM);
        }
    }

    @Test
    void acceptsSeparateRewriteAndColumnAlteration() throws Exception {
        TestDatabase source = source();
        try (PublicationWatch watch = watch(source, TABLES)) {
            source.execute("VACUUM FULL item");
            watch.requireUnaltered(ALL_READ);
            assertThat(watch.unwrittenTables()).as("the log is updated").isPresent();
            source.execute("ALTER TABLE item ALTER name SET NOT NULL");

            assertThatCode(() -> watch.requireUnaltered(ALL_READ)).doesNotThrowAnyException();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE item ADD COLUMN stamp timestamptz NOT NULL DEFAULT clock_timestamp()",
                "ALTER TABLE item ALTER name TYPE text USING upper(name)",
                "TRUNCATE item",
                "VACUUM FULL part_1",
                "ALTER TABLE part ATTACH PARTITION filled FOR VALUES FROM (20) TO (30)",
                "DROP TABLE part_1",
                "ALTER TABLE part DETACH PARTITION part_1; ALTER TABLE part ATTACH PARTITION part_1"
                        + " FOR VALUES FROM (0) TO (10)"
            })
    void rewriteDuringSnapshotNeedsNewSnapshot(String change) throws Exception {
        TestDatabase source = source();
        try (PublicationWatch watch = watch(source, TABLES)) {
            source.execute("ALTER TABLE item ADD COLUMN plain int", "CREATE INDEX ON item (name)");
            assertThatCode(watch::requireConsistentSnapshot).doesNotThrowAnyException();

            source.execute(change);

            assertThatThrownBy(watch::requireConsistentSnapshot)
                    .isInstanceOf(SnapshotInterruptedException.class);
        }
    }

    @Test
    void detectsRedefinitionDuringSnapshot() throws Exception {
        TestDatabase source = source();
        try (PublicationWatch watch = watch(source, TABLES)) {
            source.execute("ALTER TABLE item RENAME name TO title");

            assertThatThrownBy(watch::requireConsistentSnapshot)
                    .isInstanceOf(SourceLostException.class)
                    .hasMessageContaining("column name was renamed to title");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "ALTER TABLE item DROP CONSTRAINT item_code_key",
                "CREATE UNIQUE INDEX wider ON item (id, code); ALTER TABLE item REPLICA IDENTITY"
                        + " USING INDEX wider"
            })
    void detectsLossOfReplicaIdentityIndex(String change) throws Exception {
        TestDatabase source = source();
        source.execute("ALTER TABLE item REPLICA IDENTITY USING INDEX item_code_key");
        try (PublicationWatch watch = watch(source, TABLES)) {
            source.execute(change.split("; "));

            assertThatThrownBy(() -> watch.requireUnaltered(ALL_READ))
                    .isInstanceOf(SourceLostException.class)
                    .hasMessageContaining("its replica identity changed");
        }
    }

    @Test
    void detectsInterruptedDetachOfPartition() throws Exception {
        TestDatabase source = source();
        try (PublicationWatch watch = watch(source, TABLES);
                Connection reader = source.connect();
                Connection detacher = source.connect();
                Statement reading = reader.createStatement();
                Statement detaching = detacher.createStatement()) {
            reader.setAutoCommit(false);
            reading.execute("SELECT FROM part");
            detaching.execute("SET statement_timeout = '500ms'");
            assertThatThrownBy(
                            () ->
                                    detaching.execute(
                                            "ALTER TABLE part DETACH PARTITION part_1"
                                                    + " CONCURRENTLY"))
                    .hasMessageContaining("statement timeout");
            reader.rollback();

            assertThatThrownBy(() -> watch.requireUnaltered(ALL_READ))
                    .isInstanceOf(SourceLostException.class)
                    .hasMessageContaining("was detached");
        }
    }

    @Test
    void waitsForTruncateOfTableThatExplainsRewrites() throws Exception {
        TestDatabase source = source();
        try (PublicationWatch watch = watch(source, TABLES)) {
            source.execute("TRUNCATE part", "INSERT INTO part VALUES (2, 'n')");

            assertThat(watch.requireUnaltered(Lsn.ZERO))
                    .as("the TRUNCATE may still arrive")
                    .isFalse();
            assertThat(watch.requireUnaltered(Lsn.ZERO)).isFalse();
            watch.truncated(PART, transaction(source));

            assertThat(watch.requireUnaltered(ALL_READ)).isTrue();
            source.execute("TRUNCATE part_1");
            assertThat(watch.requireUnaltered(Lsn.ZERO)).isFalse();
            assertThatThrownBy(() -> watch.requireUnaltered(ALL_READ))
                    .isInstanceOf(SourceLostException.class)
                    .hasMessageContaining("public.part_1 was rewritten");
        }
    }

    /// While one change may still be explained, the other one is seen again.
    @Test
    void successiveChangesOfPartitionsDelayWatermarksOnlyUntilTheStreamHasPassedThem()
            throws Exception {
        TestDatabase source = source();
        Pauses pauses = new Pauses(true);
        try (PublicationWatch watch = watch(source, TABLES, new PausedTables(pauses))) {
            source.execute("TRUNCATE part_1");
            assertThat(watch.requireUnaltered(Lsn.ZERO)).isFalse();
            Lsn afterTruncate = end(source);
            source.execute("ALTER TABLE part ATTACH PARTITION filled FOR VALUES FROM (20) TO (30)");
            assertThat(watch.requireUnaltered(afterTruncate)).isFalse();
            Lsn afterAttach = end(source);
            // A change that is found only now would have to wait for this.
            source.query("SELECT pg_logical_emit_message(true, 'other', 'x')");

            assertThat(watch.requireUnaltered(afterAttach)).isTrue();

            assertThat(pauses.losses).containsOnlyKeys(PART);
        }
    }

    private static Lsn end(TestDatabase source) {
        return Lsn.parse(String.valueOf(source.value("SELECT pg_current_wal_insert_lsn()::text")));
    }

    @Test
    void loggedTruncateExplainsRewritesAfterRestart() throws Exception {
        TestDatabase source = source();
        PublishedTablesCodec codec = new PublishedTablesCodec();
        byte[] written;
        try (PublicationWatch watch = watch(source, TABLES)) {
            source.execute(
                    "CREATE TABLE part_2 PARTITION OF part FOR VALUES FROM (30) TO (40)",
                    "TRUNCATE part");
            watch.truncated(PART, transaction(source));
            written = codec.encode(watch.unwrittenTables().orElseThrow());
        }
        source.execute("INSERT INTO part VALUES (2, 'n'), (31, 'n')");

        try (PublicationWatch again =
                new PublicationWatch(
                        _ -> login(source).connect(), "p", "", codec.decode(written), true, NONE)) {
            assertThat(again.requireUnaltered(ALL_READ)).isTrue();
        }
    }

    /// The transaction that wrote the partition's `pg_class` row.
    private static long transaction(TestDatabase source) {
        return Long.parseLong(
                String.valueOf(
                        source.value(
                                "SELECT xmin::text FROM pg_class WHERE oid = 'part_1'::regclass")));
    }

    @Test
    void codecRoundTripsFacts() throws Exception {
        TestDatabase source = source();
        try (Connection connection = login(source).connect()) {
            SortedMap<TableId, PublishedTable> facts =
                    PublishedTableReader.read(connection, TABLES);
            PublishedTablesCodec codec = new PublishedTablesCodec();

            assertThat(facts).hasSize(2);
            assertThat(codec.decode(codec.encode(facts))).isEqualTo(facts);
        }
    }

    private static PublicationWatch watch(TestDatabase source, List<TableId> tables)
            throws Exception {
        return watch(source, tables, NONE);
    }

    private static PublicationWatch watch(
            TestDatabase source, List<TableId> tables, PausedTables paused) throws Exception {
        try (Connection connection = login(source).connect()) {
            String identity = PublicationGuard.ensure(connection, "p", new TreeSet<>(tables));
            return new PublicationWatch(
                    _ -> login(source).connect(),
                    "p",
                    identity,
                    PublicationWatch.requireTables(connection, tables),
                    true,
                    paused);
        }
    }

    private static TestDatabase source() {
        TestDatabase source = PostgresServer.shared().newDatabase();
        source.execute(
                "CREATE SCHEMA other",
                "CREATE TABLE item (id int PRIMARY KEY, code int NOT NULL UNIQUE, name text,"
                        + " note varchar(20), price numeric(10,2))",
                "INSERT INTO item VALUES (1, 1, 'n', 'm', 1.25)",
                "CREATE TABLE item_new (LIKE item INCLUDING ALL)",
                "CREATE TABLE part (id int PRIMARY KEY, name text) PARTITION BY RANGE (id)",
                "CREATE TABLE part_1 PARTITION OF part FOR VALUES FROM (0) TO (10)",
                "INSERT INTO part VALUES (1, 'n')",
                "CREATE TABLE filled (id int PRIMARY KEY, name text)",
                "INSERT INTO filled VALUES (20, 'n')");
        GrantedLogins.source(source);
        return source;
    }

    /// The capture, which creates the publication.
    private static Login login(TestDatabase source) {
        return GrantedLogins.as("source_" + source.name(), source);
    }
}
