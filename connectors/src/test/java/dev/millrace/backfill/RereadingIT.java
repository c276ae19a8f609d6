package dev.millrace.backfill;

import static org.assertj.core.api.Assertions.assertThat;

import dev.millrace.backfill.Rereading.Waiting;
import dev.millrace.backfill.pace.Pace;
import dev.millrace.change.Row;
import dev.millrace.change.RowSchema;
import dev.millrace.change.TableId;
import dev.millrace.change.WatermarkNumber;
import dev.millrace.control.RebackfillStore.Sweep;
import dev.millrace.grants.GrantedLogins;
import dev.millrace.mapping.Mapping;
import dev.millrace.mapping.RowMapper;
import dev.millrace.postgres.Catalog;
import dev.millrace.postgres.Database;
import dev.millrace.postgres.RunningTransactions;
import dev.millrace.sql.Relation;
import dev.millrace.testing.PostgresServer;
import dev.millrace.testing.TestDatabase;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/// A table whose definition changes while it is read again. No call waits for it, because the
/// caller can read other tables meanwhile.
class RereadingIT {

    private static final TableId SOURCE = new TableId("public", "s");
    private static final TableId TARGET = new TableId("public", "t");
    private static final WatermarkNumber MARK = new WatermarkNumber(1, 5);

    /// A call that waits would wait until an operator restores the definition.
    private static final Waiting NOT_AT_ALL =
            _ -> {
                throw new AssertionError("It waits.");
            };

    private final TestDatabase both = PostgresServer.shared().newDatabase();
    private final Database source = GrantedLogins.capture("m", both).database("test");
    private final Database target = GrantedLogins.apply(both).database("test");
    private final Windows windows = new Windows(1 << 20);
    private final Pace pace = new Pace(InstantSource.system());
    private final Rereading rereading =
            new Rereading(source, target, "millrace_test", windows, new Access(), pace);
    private final List<Sweep> pages = new ArrayList<>();
    private boolean mayRead = true;

    /// Whether the definition changes while a window is open.
    private boolean changesInWindow;

    private final class Access implements CaptureAccess {
        @Override
        public WatermarkNumber emitWatermark() {
            assertThat(changesInWindow).as("a window of a paused table").isTrue();
            mayRead = false;
            windows.abandonRows(SOURCE);
            return MARK;
        }

        @Override
        public Predicate<RunningTransactions> deliveredAsOfNow() {
            return _ -> false;
        }

        @Override
        public BackfillState state() {
            return new BackfillState(1, 1 << 20);
        }

        @Override
        public boolean mayRead(TableId table) {
            return mayRead;
        }
    }

    @AfterEach
    void close() {
        source.close();
        target.close();
    }

    private boolean sweep(Waiting waiting) throws SQLException, InterruptedException {
        Relation read;
        try (Connection connection = source.pooled()) {
            read = Catalog.ofSource(connection).relation(SOURCE).orElseThrow();
        }
        RowMapper mapper =
                new RowMapper() {
                    @Override
                    public MappedRow map(Row row) {
                        throw new AssertionError("Only keys are looked up.");
                    }

                    @Override
                    public Row key(Row row) {
                        throw new AssertionError("Only keys are looked up.");
                    }

                    @Override
                    public Optional<KeyOrigin> keyOrigin() {
                        return Optional.of(new KeyOrigin(Map.of("k", "k"), Map.of()));
                    }
                };
        return rereading.sweep(
                new Mapping(
                        SOURCE,
                        RowSchema.keyed(TARGET, List.of("k"), List.of("k")),
                        List.of(read.columns().getFirst().type()),
                        "",
                        "",
                        mapper),
                read,
                waiting,
                pages::add);
    }

    private void tables() {
        both.execute(
                "CREATE TABLE s (k int PRIMARY KEY)",
                "CREATE TABLE t (k int PRIMARY KEY)",
                "INSERT INTO t VALUES (1)",
                "CREATE PUBLICATION millrace_test FOR TABLE s");
        GrantedLogins.capture("m", both, "public.s");
        GrantedLogins.apply(both, "public.t");
    }

    @Test
    void nothingIsReadOfAPausedTable() throws Exception {
        tables();
        mayRead = false;

        assertThat(rereading.awaitStart(List.of(SOURCE), NOT_AT_ALL, _ -> {})).isFalse();
        assertThat(sweep(NOT_AT_ALL)).isFalse();
        assertThat(rereading.readAgain(List.of(SOURCE), NOT_AT_ALL)).isFalse();
        assertThat(rereading.readChangedPartitions(List.of(SOURCE), NOT_AT_ALL)).isFalse();
        assertThat(pages).isEmpty();
    }

    /// Its publication contains it under the other name.
    @Test
    void aStartEndsWhenItsTableIsRenamed() throws Exception {
        tables();
        both.execute("ALTER TABLE s RENAME TO elsewhere");
        List<String> waits = new ArrayList<>();

        boolean started =
                rereading.awaitStart(
                        List.of(SOURCE),
                        _ -> {
                            assertThat(mayRead).as("the capture has seen it").isTrue();
                            mayRead = false;
                            return true;
                        },
                        found -> found.ifPresent(waits::add));

        assertThat(started).isFalse();
        assertThat(waits).isNotEmpty().allMatch(text -> text.contains("was renamed or moved"));
    }

    @Test
    void aSweepThatTheOperatorHoldsEndsWhenItsTableIsPaused() throws Exception {
        tables();
        pace.pause();

        boolean swept =
                sweep(
                        _ -> {
                            assertThat(mayRead).as("the capture has seen it").isTrue();
                            mayRead = false;
                            return true;
                        });

        assertThat(swept).isFalse();
        assertThat(pages).isEmpty();
    }

    /// The capture ends the window instead of writing it.
    @Test
    void aSweepEndsWhenItsTableIsPausedInsideAWindow() throws Exception {
        tables();
        changesInWindow = true;

        assertThat(sweep(NOT_AT_ALL)).isFalse();

        assertThat(pages).isEmpty();
    }
}
